/** The version of CUDA that nvidia-smi's table names. */
import { expect, test } from "vitest";
import { parseCudaVersion } from "../../../agent/device/nvidia-cuda.ts";

test.each([
  ["| NVIDIA-SMI 535.129.03             Driver Version: 535.129.03   CUDA Version: 12.2     |", "12.2"],
  ["| NVIDIA-SMI 440.33.01    Driver Version: 440.33.01    CUDA Version: 10.2     |", "10.2"],
  ["Thu Jan 1\n+----+\n| NVIDIA-SMI 580.1  KMD Version: 580.1  CUDA UMD Version: 13.0 |\n", "13.0"],
  ["CUDA Version        : 12.8\n", "12.8"],
  ["| NVIDIA-SMI 550.54.15   Driver Version: 550.54.15   CUDA Version: N/A |", ""],
  ["| NVIDIA-SMI 390.87                 Driver Version: 390.87                    |", ""],
  ["", ""],
])("%s", (table, version) => {
  expect(parseCudaVersion(table)).toBe(version);
});
