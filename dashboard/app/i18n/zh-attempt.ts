/** 尝试的状态与结局的文字。 */
import type { attempt as english } from "./en-attempt.ts";

export const attempt: { readonly [key in keyof typeof english]: string } = {
  "attempt.assigned": "已分配",
  "attempt.running": "运行中",
  "attempt.ended": "已结束",
  "attempt.succeeded": "成功",
  "attempt.exit": "退出码 {code}",
  "attempt.setup": "准备步骤失败（退出码 {code}）",
  "attempt.image": "容器未能启动（退出码 {code}）",
  "attempt.python": "主机上没有它的 Python",
  "attempt.stdin": "无法打开它要读取的文件",
  "attempt.signalled": "被信号 {signal} 终止",
  "attempt.oom": "被终止：内存不足",
  "attempt.timeout": "达到时间上限，已停止",
  "attempt.idle": "已停止：在空闲上限内没有输出也没有指标",
  "attempt.cancelled": "已取消",
  "attempt.skipped": "已跳过",
  "attempt.rejected": "被主机拒绝：{reason}",
  "attempt.superseded": "已被取代",
  "attempt.lost-lease": "丢失：主机无响应的时间超过租约",
  "attempt.lost-reboot": "丢失：主机重启了",
  "attempt.lost-shim_died": "丢失：监护它的进程被终止",
  "attempt.lost-start_failed": "丢失：未能启动",
  "attempt.lost-stopped": "丢失：主机被停止",
  "attempt.lost-node_lost": "丢失：主机不再认识它",
};
