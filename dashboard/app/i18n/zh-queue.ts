/** 队列与运行比较页面的文字。 */
import type { queue as english } from "./en-queue.ts";

export const queue: { readonly [key in keyof typeof english]: string } = {
  "queue.title": "队列",
  "queue.count": "{count} 个等待中，按将被分配的次序排列",
  "queue.keys": "j 和 k 选择一行；+ 和 - 调整优先级，h 暂停或放行",
  "queue.empty": "没有等待的运行。",
  "queue.run": "运行",
  "queue.priority": "优先级",
  "queue.needs": "需求",
  "queue.reason": "等待原因",
  "queue.waiting": "已等待",
  "queue.hold": "暂停",
  "queue.raise": "{ref}：提高优先级",
  "queue.lower": "{ref}：降低优先级",
  "queue.set": "设定",
  "compare.title": "比较",
  "compare.too-few": "请在运行列表中选择两个或更多运行。",
  "compare.too-many": "最多可并排比较 {max} 个运行；这里有 {count} 个。",
  "compare.all": "也显示相同的项",
  "compare.remove": "移除 {ref}",
  "compare.state": "状态",
  "compare.same-params": "没有差异",
  "compare.same-facts": "没有差异",
  "compare.commands": "命令",
};
