/** 提交页面的文字。 */
import type { submit as english } from "./en-submit.ts";

export const submit: { readonly [key in keyof typeof english]: string } = {
  "submit.title": "提交扫描",
  "submit.file": "选择扫描文件",
  "submit.text": "或粘贴其内容",
  "submit.directory": "主机上的目录",
  "submit.directory-hint": "绝对路径。除非文件另有说明，运行从此目录启动，相对路径也以此为起点。",
  "submit.force": "重新运行所有点，包括已完成的",
  "submit.check": "检查",
  "submit.go": "提交 {count} 个运行",
  "submit.leave": "要离开吗？扫描文件的内容不会保留。",
  "submit.too-large": "{name} 过大，不是扫描文件。",
  "submit.plan": "将要运行的内容",
  "submit.total": "{count} 个点",
  "submit.new": "{count} 个新的",
  "submit.reused": "{count} 个复用",
  "submit.order": "展开顺序：{steps}；排队顺序：{order}。",
  "submit.result": "结果",
  "submit.is-new": "新",
  "submit.is-reused": "取自 {ref}",
  "submit.first": "共 {total} 个，显示前 {count} 个。",
};
