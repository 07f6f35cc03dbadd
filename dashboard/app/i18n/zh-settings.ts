/** 设置页面的文字。 */
import type { settings as english } from "./en-settings.ts";

export const settings: { readonly [key in keyof typeof english]: string } = {
  "settings.look": "外观",
  "settings.kept": "保存在此浏览器中。",
  "settings.access": "访问",
  "settings.token": "此标签页持有访问令牌，可在此集群上执行任何操作。",
  "settings.forget": "清除令牌",
  "settings.token-hint": "令牌只保存在此标签页中，关闭标签页后即消失。",
  "settings.server": "服务器",
  "settings.version": "ExpFleet 版本",
  "settings.address": "地址",
  "settings.health": "协调器",
  "settings.ok": "正常",
  "settings.bus": "消息总线",
  "settings.connected": "已连接",
  "settings.disconnected": "未连接：输出与指标会稍后到达",
  "settings.channels": "通道",
  "settings.no-channels": "没有通道。消息、表格与跟踪器在协调器所在机器的 channels.toml 中设置。",
  "settings.channel-kind": "类型",
  "settings.channel": "名称",
  "settings.channel-waiting": "等待",
  "settings.channel-state": "状态",
  "settings.more": "更多",
  "settings.help": "列出所有命令。",
  "settings.docs": "（在代码仓库中）介绍本页面的视图、按键与地址。",
};
