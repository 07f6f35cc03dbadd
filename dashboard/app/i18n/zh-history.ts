/** 事件与用量页面的文字。 */
import type { history as english } from "./en-history.ts";

export const history: { readonly [key in keyof typeof english]: string } = {
  "events.kind": "类型",
  "events.any": "全部",
  "events.run": "运行或扫描",
  "events.node": "节点",
  "events.by": "操作者：{name}",
  "events.none": "尚无此类事件。",
  "events.many": "更早的（此处最多 {count} 条）请用筛选，或下载 CSV。",
  "usage.days": "天数",
  "usage.kind": "设备",
  "usage.total": "共 {hours} 设备小时",
  "usage.utc": "每天从 UTC 零点开始。",
  "usage.none": "这些天没有使用过此类设备。",
  "usage.others": "其余 {count} 个",
  "usage.chart": "每天的设备小时。{days}",
  "usage.highest": "最高的一天：{hours} 小时",
  "usage.sweep": "扫描",
  "usage.hours": "小时",
  "usage.many": "只显示前 {count} 行；CSV 文件中有更多。",
};
