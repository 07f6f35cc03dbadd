/** EXP files for comparison with the published EXP: together they have every key of the format and every rule of its order. */

const SCHEDULER = '[scheduler]\nbase_experiment_dir = "out"\n';

/** Files that EXP loads. */
export const LOADABLE: { readonly [name: string]: string } = {
  "two entries": `${SCHEDULER}[[experiments]]\nname = "b"\ncommand = "x"\n[[experiments]]\nname = "a"\ncommand = "y"\n`,
  "priority before name, larger first": entries(
    ["a", "x", "priority = -1"],
    ["b", "x", "priority = 10"],
    ["c", "x", ""],
    ["d", "x", "priority = 10"],
    ["e", "x", "priority = 2"],
  ),
  "name before command": entries(["b", "1"], ["a", "2"], ["a", "1"], ["a", "10"], ["B", "0"], ["_", "0"]),
  "names by code point": entries(
    ["é", "x"],
    ["z", "x"],
    ["Z", "x"],
    ["\u{1F600}", "x"],
    ["\uFF5E", "x"],
    ["\u{1F601}", "x"],
    ["a b", "x"],
    ["a-b", "x"],
    ["", "x"],
  ),
  "repeats in place": entries(
    ["b", "x", "repeats = 3"],
    ["a", "x", "repeats = 2"],
    ["c", "x", "repeats = 0\npriority = 1"],
    ["d", "x", "repeats = -5"],
  ),
  "equal entries": entries(["a", "x"], ["a", "x"], ["a", "x", "repeats = 2"]),
  "ties by tags, GPUs, time of resume": entries(
    ["a", "x", 'tags = ["z"]\ndescription = "1"'],
    ["a", "x", 'tags = ["b", "a"]\ndescription = "2"'],
    ["a", "x", 'tags = ["b"]\ndescription = "3"\ngpu_ids = [2]'],
    ["a", "x", 'tags = ["b"]\ndescription = "4"\ngpu_ids = [1, 9]'],
    ["b", "x", 'resume = "2026-01-02__00-00-00"\ndescription = "5"'],
    ["b", "x", 'resume = "2026-01-01__00-00-00"\ndescription = "6"'],
    ["c", "x", 'cwd = "/tmp/b"\ndescription = "7"'],
    ["c", "x", 'cwd = "/tmp/a"\ndescription = "8"'],
    ["d", "x", 'base_dir = "b"\ndescription = "9"'],
    ["d", "x", 'base_dir = "a"\ndescription = "10"'],
    ["e", "x", 'description = "z"'],
    ["e", "x", 'description = "y"'],
  ),
  "integers as texts, floats and booleans": entries(
    ["a", "x", 'priority = "5"'],
    ["b", "x", "priority = 7.9"],
    ["c", "x", "priority = true"],
    ["d", "x", 'priority = " +1_0 "\nrepeats = "2"\nmax_retries = "3"\ndelay_seconds = "1e-3"'],
    ["e", "x", "priority = -7.9\nrepeats = 2.9\nmax_retries = true\ndelay_seconds = false"],
  ),
  "priority beyond every bound": entries(
    ["a", "x", "priority = 123456789012345678901234567890"],
    ["b", "x", "priority = 123456789012345678901234567891"],
    ["c", "x", "priority = -123456789012345678901234567890"],
  ),
  "GPU ids": entries(
    ["a", "x", "gpu_ids = [0, 1]"],
    ["b", "x", 'gpu_ids = "0, 1,"'],
    ["c", "x", 'gpu_ids = ["2", "3"]'],
    ["d", "x", "gpu_ids = [1.9]"],
    ["e", "x", "gpu_ids = []"],
    ["f", "x", 'gpu_ids = ""'],
    ["g", "x", "gpu_ids = [true, false]"],
    ["h", "x", "gpu_ids = [3, 3]"],
  ),
  "values of the environment": entries(
    [
      "a",
      "x",
      [
        "[experiments.environment]",
        'TEXT = "it\'s"',
        "YES = true",
        "NO = false",
        "INT = 10",
        "BIG = 123456789012345678901234567890",
        "ONE = 1.0",
        "SMALL = 1e-5",
        "LARGE = 1e16",
        "LESS = 1e15",
        "INF = inf",
        "NAN = nan",
        "LIST = [1, 2]",
        'TEXTS = ["a", "it\'s", "say \\"hi\\"", "b\\\\c", "tab\\t", "é", "\\u00a0", "\\u200b", "\\u007f", "\\U0001F600", "both \'\\""]',
        "LISTS = [[], [1.5, 2.0]]",
        "EMPTY = []",
        'TABLE = { x = 1, y = "z", w = [true] }',
        "PYTHONUNBUFFERED = 1",
      ].join("\n"),
    ],
    ["b", "x", "environment = {}"],
  ),
  "empty and false values": entries(["a", "x", 'tags = []\nenvironment = {}\ncwd = ""\nbase_dir = ""\nlark_url = ""']),
  "tags of other types": entries(["a", "x", "tags = [1, 2]"], ["b", "x", "tags = [true]"], ["c", "x", "tags = [1.5]"]),
  "every key": [
    "[scheduler]",
    'base_experiment_dir = "~/out"',
    "max_concurrent_experiments = 3",
    "check_interval = 0.5",
    "auto_restart_on_error = true",
    "linger_when_idle = false",
    'lark_url = "https://example.feishu.cn/base/appABCDEF?table=tbl1&view=vew1"',
    '[scheduler.lark_config]\napp_id = "id"\napp_secret = "secret"',
    "[[experiments]]",
    'name = "first/of all"',
    "command = 'echo \"$HOME\" ${HOME} $$'",
    "priority = 3",
    'tags = ["a", "b"]',
    "gpu_ids = [0]",
    'cwd = "."',
    'base_dir = "elsewhere"',
    'resume = "2026-01-01__00-00-00"',
    'description = "what it is"',
    "repeats = 2",
    "max_retries = 4",
    "delay_seconds = 1.5",
    'lark_url = "https://example.feishu.cn/base/appABCDEF"',
    'lark_config = { table_id = "tbl2" }',
    "environment = { A = 1 }",
    "[[experiments]]",
    'name = "second"',
    'command = "true"',
  ].join("\n"),
  "restart by any text that is not empty": `${SCHEDULER}auto_restart_on_error = "false"\nmax_concurrent_experiments = "2"\n[[experiments]]\nname = "a"\ncommand = "x"\nmax_retries = 2\n`,
  "restart by an empty text": `${SCHEDULER}auto_restart_on_error = ""\n[[experiments]]\nname = "a"\ncommand = "x"\nmax_retries = 2\n`,
  "unknown keys and tables": `title = "x"\n${SCHEDULER}colour = 1\n[gpu]\nenable = true\n[[experiments]]\nname = "a"\ncommand = "x"\ngpu_count = 2\npriorty = 3\n`,
  "inline, before the scheduler": `experiments = [{ name = "b", command = "x" }, { name = "a", command = "x", priority = 1 }]\n${SCHEDULER}`,
};

/** Files that EXP refuses, or cannot sort, which are accepted here: with the names in the order they get. */
export const ONLY_HERE: { readonly [name: string]: { readonly text: string; readonly order: readonly string[] } } = {
  "differ in the environment only": {
    text: entries(["b", "x", "environment = { A = 2 }"], ["b", "x", "environment = { A = 1 }"], ["a", "x", ""]),
    order: ["a", "b A=2", "b A=1"],
  },
  "one has a directory, the other none": {
    text: entries(
      ["b", "x", "environment = { A = 1 }"],
      ["b", "x", 'environment = { A = 1 }\ncwd = "/tmp"'],
      ["a", "x"],
    ),
    order: ["a", "b A=1", "b A=1"],
  },
  "dates in an environment, as str() shows them": {
    text: entries(
      ["a", "x", "environment = { D = 1979-05-27 }"],
      ["b", "x", "environment = { D = 07:32:00 }"],
      ["c", "x", "environment = { D = 1979-05-27T07:32:00 }"],
      ["d", "x", "environment = { D = 1979-05-27T07:32:00Z }"],
      ["e", "x", "environment = { D = 1979-05-27 07:32:00.5+02:00 }"],
    ),
    order: [
      "a D=1979-05-27",
      "b D=07:32:00",
      "c D=1979-05-27 07:32:00",
      "d D=1979-05-27 07:32:00+00:00",
      "e D=1979-05-27 07:32:00.500000+02:00",
    ],
  },
  "no base directory": { text: '[[experiments]]\nname = "a"\ncommand = "x"\n', order: ["a"] },
  "mixed lists, hexadecimal numbers and other TOML 1.0": {
    text: entries(["a", "x", 'gpu_ids = [0, "1"]'], ["b", "x", "priority = 0x10"]),
    order: ["b", "a"],
  },
};

/** Files that both refuse. */
export const REFUSED: { readonly [name: string]: string } = {
  "no name": `${SCHEDULER}[[experiments]]\ncommand = "x"\n`,
  "no command": `${SCHEDULER}[[experiments]]\nname = "x"\n`,
  "tags of one text": entries(["a", "x", 'tags = "demo"']),
  "a GPU id alone": entries(["a", "x", "gpu_ids = 0"]),
  "GPU ids that are none": entries(["a", "x", 'gpu_ids = ["cuda:0"]']),
  "a text of GPU ids that are none": entries(["a", "x", 'gpu_ids = "all"']),
  "an environment of texts": entries(["a", "x", 'environment = "A=1"']),
  "a priority that is no number": entries(["a", "x", 'priority = "high"']),
  "a priority with a point in a text": entries(["a", "x", 'priority = "1.5"']),
  "a priority that is a list": entries(["a", "x", "priority = [1]"]),
  "a priority that is not finite": entries(["a", "x", "priority = inf"]),
  "a delay that is no number": entries(["a", "x", 'delay_seconds = "soon"']),
  "an interval that is no number":
    '[scheduler]\nbase_experiment_dir = "o"\ncheck_interval = "often"\n[[experiments]]\nname = "a"\ncommand = "x"\n',
};

function entries(...list: readonly (readonly [name: string, command: string, more?: string])[]): string {
  const texts = list.map(
    ([name, command, more = ""]) =>
      `[[experiments]]\nname = ${JSON.stringify(name)}\ncommand = ${JSON.stringify(command)}\n${more}\n`,
  );
  return `${SCHEDULER}${texts.join("")}`;
}
