/** 集群页面的文字。 */
import type { fleet as english } from "./en-fleet.ts";

export const fleet: { readonly [key in keyof typeof english]: string } = {
  "fleet.title": "集群",
  "fleet.nodes": "{count} 个节点",
  "fleet.empty": "还没有代理加入。请在 GPU 主机上运行：exp-agent start",
  "fleet.gone": "有 {count} 个节点长时间未出现，未列出。",
  "fleet.show-gone": "显示它们",
  "fleet.busy-of": "{total} 个设备中 {busy} 个忙碌",
  "fleet.no-devices": "没有设备",
  "fleet.devices-of": "{node} 的设备",
  "fleet.device": "设备 {index}：{state}",
  "fleet.run": "运行 {run}",
  "fleet.waiting": "{count} 个等待",
  "fleet.running": "{count} 个运行中",
  "device.free": "空闲",
  "device.busy": "正在运行我们的任务",
  "device.foreign": "被他人占用",
  "device.dirty": "上次运行后未清理干净",
  "device.unknown": "未知",
  "node.ready": "就绪",
  "node.cordoned": "已封锁",
  "node.draining": "正在排空",
  "node.unknown": "无响应",
  "node.gone": "已离开",
};
