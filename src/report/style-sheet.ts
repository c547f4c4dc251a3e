/**
 * The look of a report: system fonts, one calm column, two charts side by side where there is room. Light, dark (only on screen;
 * paper is always light) and print from one set of variables, which the charts use as well.
 */
import { pageColours, seriesColours } from './palette.ts';

const variables = (theme: 'light' | 'dark'): string =>
  seriesColours[theme].map((c, i) => `--s${i + 1}:${c}`).join(';');

const light = `${variables('light')};--page:${pageColours.light};--back:#f5f5f2;--ink:#1d2126;--ink-soft:#5a6470;--muted:#8b939c;--line:#e2e3df;
--kept:#1f7f74;--dropped:#a3a9b1;--failed:#b8327f;--good:#1f7f74;--bad:#b8400a;--good-back:#e8f4f1;--bad-back:#fcefe6;--code:#f2f2ee;--on:#fff`;
const dark = `${variables('dark')};--page:${pageColours.dark};--back:#0f1114;--ink:#e6e8ea;--ink-soft:#a3acb5;--muted:#77818b;--line:#2c3138;
--kept:#3fb8a6;--dropped:#6d7782;--failed:#d274c0;--good:#55c9b7;--bad:#f5975a;--good-back:#15302c;--bad-back:#3a2415;--code:#1f242a;--on:#0b0d10`;

export const styleSheet = `
:root{color-scheme:light;${light}}
@media screen and (prefers-color-scheme:dark){:root{color-scheme:dark;${dark}}}
*{box-sizing:border-box}
html{-webkit-text-size-adjust:100%}
body{margin:0;background:var(--back);color:var(--ink);font:15px/1.55 system-ui,-apple-system,"Segoe UI",Roboto,"Helvetica Neue",Arial,sans-serif}
main,header,footer{max-width:1180px;margin:0 auto;padding:0 24px}
header{padding-top:40px}
h1{font-size:30px;line-height:1.2;margin:0 0 8px;letter-spacing:-.015em;overflow-wrap:anywhere}
h2{font-size:22px;margin:0 0 12px;letter-spacing:-.01em}
h3{font-size:16px;margin:30px 0 8px}
h4{font-size:14px;margin:0;font-weight:650}
h5{font-size:13px;margin:0 0 8px;font-weight:650}
p{margin:0 0 10px}
small,.note,.hint{color:var(--ink-soft);font-size:12.5px;font-weight:400}
.sentence{font-size:18px;color:var(--ink-soft);max-width:52em;margin-bottom:22px}
.lead{color:var(--ink-soft);max-width:60em}
.hint{max-width:74em}
code,pre{font-family:ui-monospace,SFMono-Regular,Menlo,Consolas,"Liberation Mono",monospace;font-size:12.5px}
pre{white-space:pre-wrap;overflow-wrap:anywhere;background:var(--code);border-radius:6px;padding:10px 12px;margin:0;max-height:32em;overflow:auto}
a{color:inherit}
nav{display:flex;flex-wrap:wrap;gap:4px 18px;margin:0 0 26px;padding:10px 0;border-bottom:1px solid var(--line);font-size:14px}
nav a{color:var(--ink-soft);text-decoration:none}
nav a:hover{color:var(--ink);text-decoration:underline}
.tiles{display:grid;grid-template-columns:repeat(auto-fit,minmax(190px,1fr));gap:12px;margin:0 0 24px}
.tile{background:var(--page);border:1px solid var(--line);border-radius:10px;padding:14px 16px}
.tile dt{font-size:12.5px;color:var(--ink-soft)}
.tile dd{margin:0}
.tile .value{font-size:21px;font-weight:650;letter-spacing:-.01em;line-height:1.3;font-variant-numeric:tabular-nums}
.tile .detail{font-size:12.5px;color:var(--ink-soft);overflow-wrap:anywhere}
.tile.good .value{color:var(--good)}
.tile.bad .value{color:var(--bad)}
section{background:var(--page);border:1px solid var(--line);border-radius:12px;padding:24px 26px;margin:0 0 22px}
.grid{display:grid;grid-template-columns:repeat(auto-fill,minmax(min(100%,420px),1fr));gap:28px 32px;margin-top:18px}
figure{margin:0;min-width:0}
.span{grid-column:1/-1}
figcaption p{margin:2px 0 6px;font-size:12.5px;color:var(--ink-soft)}
figure svg{display:block;width:100%;height:auto;overflow:visible;font-family:inherit}
.plot-d6a7b5 text,.plot-d6a7b5 tspan{white-space:pre}
.narrow{display:none}
.flow-figure{margin-top:14px}
.flow-title{font-weight:650;fill:var(--ink)}
.flow-detail{fill:var(--ink-soft);font-size:12px}
.flow-label{fill:var(--ink);font-size:12px}
.strong{font-weight:650}
.flow-panel{fill:var(--back)}
.legend{list-style:none;display:flex;flex-wrap:wrap;gap:2px 16px;padding:0;margin:4px 0 6px;font-size:12.5px;color:var(--ink-soft)}
.legend li{display:flex;align-items:center;gap:6px;min-width:0;overflow-wrap:anywhere}
.legend svg{width:26px;flex:none}
.legend .swatch{margin:0}
figure+figure.span{margin-top:20px}
section>.grid{margin-top:18px}
.kept-examples{margin:8px 0 0 6px}
.swatch{display:inline-block;width:11px;height:11px;border-radius:3px;margin-right:5px;flex:none;print-color-adjust:exact;-webkit-print-color-adjust:exact}
details>summary{cursor:pointer}
details.data{font-size:12.5px;margin-top:4px;color:var(--ink-soft)}
details.data table{font-size:12.5px}
details.run{border-top:1px solid var(--line);padding:12px 0}
details.run>summary{font-weight:650}
.scroll{overflow-x:auto}
table{border-collapse:collapse;font-size:13.5px;font-variant-numeric:tabular-nums;margin:6px 0;min-width:min(100%,28em)}
th,td{padding:6px 14px 6px 0;text-align:left;vertical-align:top;border-bottom:1px solid var(--line)}
tbody th{font-weight:500;overflow-wrap:anywhere;min-width:8.5em}
details.data tbody th{min-width:0}
code.key{display:block;min-width:15em}
thead th{font-size:12.5px;font-weight:500;color:var(--ink-soft);vertical-align:bottom}
.n{text-align:right;white-space:nowrap}
.bars{display:grid;gap:2px}
.bar-row{border-radius:6px}
.bar-row>summary,div.bar-row{display:grid;grid-template-columns:minmax(150px,22em) 1fr 118px;gap:12px;align-items:center;padding:4px 6px 4px 20px;list-style:none;position:relative}
.bar-row>summary::-webkit-details-marker{display:none}
.bar-row>summary::before{content:"";position:absolute;left:6px;top:50%;margin-top:-4px;border:4px solid transparent;border-left:6px solid var(--muted);border-right:0}
.bar-row[open]>summary::before{transform:rotate(90deg)}
.bar-row>summary:hover{background:var(--code)}
.bar-label{overflow-wrap:anywhere}
.bar-track{height:14px;border-radius:3px;background:var(--code);overflow:hidden}
.bar-fill{display:block;height:100%;min-width:2px;border-radius:3px;print-color-adjust:exact;-webkit-print-color-adjust:exact}
.bar-value{text-align:right;font-variant-numeric:tabular-nums}
.examples{padding:6px 6px 14px 20px;display:grid;gap:10px}
.example .source{font-size:12.5px;color:var(--ink-soft);margin:0 0 3px;overflow-wrap:anywhere}
.example pre{max-height:14em}
.notes{margin:8px 0 14px;padding:10px 14px 10px 30px;background:var(--bad-back);border-radius:8px;font-size:13.5px;overflow-wrap:anywhere}
.badge{display:inline-block;font-size:11px;line-height:1.5;padding:0 7px;border-radius:9px;border:1px solid currentColor;white-space:nowrap;font-weight:550}
.ev-confirmed{color:var(--good);background:var(--good-back)}
.ev-summary{color:var(--s1)}
.ev-recalled{color:var(--bad);border-style:dashed}
.ev-unknown{color:var(--bad);background:var(--bad-back);border-style:dotted}
.ev-own{color:var(--ink-soft)}
.ev-legend{font-size:12.5px;color:var(--ink-soft);margin-top:14px;display:flex;flex-wrap:wrap;gap:4px 18px}
.ev-item{white-space:normal}
.ev-figures{font-size:13px;color:var(--ink-soft);display:flex;flex-wrap:wrap;gap:4px 20px;margin:8px 0 0}
details.more{margin-top:22px}
details.more>summary{color:var(--ink-soft);font-size:14px}
.badge.failed,.badge.interrupted{color:var(--failed)}
.badge.ok{color:var(--good);background:var(--good-back)}
.badge.no{color:var(--bad)}
.badge.running{color:var(--s1)}
.stack-title{font-size:13px;font-weight:600;margin:10px 0 2px}
.stack-row,.meter-row{display:grid;grid-template-columns:84px 1fr;gap:12px;align-items:center;margin:5px 0}
.meter-row{grid-template-columns:84px 1fr 150px}
.stack-label{font-size:12.5px;color:var(--ink-soft);overflow-wrap:anywhere}
.stack-bar{display:flex;height:30px;border-radius:5px;overflow:hidden;background:var(--code)}
.stack-part{display:flex;align-items:center;min-width:0;border-right:1.5px solid var(--page);overflow:hidden;print-color-adjust:exact;-webkit-print-color-adjust:exact}
.stack-part:last-child{border-right:0}
.stack-part span{color:var(--on);font-size:12px;padding:0 7px;white-space:nowrap;overflow:hidden;text-overflow:ellipsis}
.meter{position:relative;height:18px;background:var(--code);border-radius:4px}
.meter-band{position:absolute;top:-4px;bottom:-4px;background:var(--kept);opacity:.22;border-radius:3px;print-color-adjust:exact;-webkit-print-color-adjust:exact}
.meter-fill{position:absolute;left:0;top:4px;bottom:4px;background:var(--s1);border-radius:3px;print-color-adjust:exact;-webkit-print-color-adjust:exact}
.meter-value{font-variant-numeric:tabular-nums}
.meter-axis{position:relative;height:14px;font-size:11.5px;color:var(--ink-soft)}
.meter-axis span{position:absolute;transform:translateX(-50%);white-space:nowrap}
.meter-axis span:first-child{transform:none}
.meter-axis span:last-child{transform:translateX(-100%)}
.mini{display:block;width:54px;height:4px;background:var(--code);border-radius:2px;margin:3px 0 0 auto}
.mini span{display:block;height:100%;border-radius:2px;background:var(--muted)}
.mini .over{background:var(--bad)}
.verdicts{display:grid;grid-template-columns:repeat(auto-fit,minmax(min(100%,330px),1fr));gap:12px;margin-bottom:12px}
.verdict{border:1px solid var(--line);border-left:4px solid var(--muted);border-radius:8px;padding:12px 16px}
.verdict.good{border-left-color:var(--good)}
.verdict.bad{border-left-color:var(--bad);background:var(--bad-back)}
.verdict-words{font-weight:650;margin:2px 0 4px}
.verdict.bad .verdict-words{color:var(--bad)}
.verdict p,.verdict li{font-size:13.5px}
.verdict ul{margin:6px 0;padding-left:18px}
.verdict li.fired{color:var(--bad);font-weight:600}
.verdict li.not-checked{color:var(--ink-soft)}
.verdict summary{font-size:12.5px;color:var(--ink-soft)}
.rollout-steps{display:grid;grid-template-columns:repeat(auto-fill,minmax(min(100%,330px),1fr));gap:18px}
.rollout-run{margin:18px 0 8px}
.rollout{border:1px solid var(--line);border-radius:8px;padding:8px 12px;margin-bottom:8px;border-left:4px solid var(--bad)}
.rollout.right{border-left-color:var(--good)}
.rollout summary{font-size:13.5px;overflow-wrap:anywhere}
.rollout dl{margin:8px 0 2px}
.rollout dt{font-size:12px;color:var(--ink-soft);margin-top:6px}
.rollout dd{margin:0;overflow-wrap:anywhere}
.missing{font-size:14px;color:var(--ink-soft)}
.missing li{overflow-wrap:anywhere}
.facts{display:grid;grid-template-columns:max-content 1fr;gap:4px 16px;font-size:13.5px;margin:10px 0}
.facts dt{color:var(--ink-soft)}
.facts dd{margin:0;overflow-wrap:anywhere;min-width:0}
footer{color:var(--ink-soft);font-size:12.5px;padding-bottom:40px}
.answer-grid{display:grid;grid-template-columns:minmax(0,2fr) minmax(0,1fr);gap:18px 32px;align-items:start}
.answer-grid>.answer:only-child{grid-column:1/-1}
.answer p{font-size:15.5px;overflow-wrap:anywhere}
.answer p:first-child{font-size:17px}
.paper{border-left:4px solid var(--line);padding:2px 0 2px 16px;color:var(--ink-soft);overflow-wrap:anywhere}
.paper h3{margin:0 0 6px;font-size:14px}
.claims{list-style:none;padding:0;margin:8px 0 14px;font-size:14px}
.claims>li{margin:0 0 10px;overflow-wrap:anywhere}
.claims .missing{font-size:12.5px;margin:3px 0 0;padding-left:20px}
.across th.n{white-space:normal;min-width:6em}
.across td,.across th{padding-right:10px}
.across td{white-space:normal}
.across small{display:inline-block;max-width:20em;font-size:11.5px}
.dense small{max-width:10.5em}
.across tbody th,.across thead th:first-child{position:sticky;left:0;background:var(--page);min-width:7em}
.across td:nth-child(2):not(.n){min-width:11em}
.arm-key{position:sticky;top:0;z-index:1;background:var(--page);padding:7px 0;margin:0;border-bottom:1px solid var(--line);color:var(--ink);font-size:13px}
.strip{display:grid;grid-template-columns:repeat(auto-fill,minmax(min(100%,240px),1fr));gap:14px 18px;margin-top:6px}
.strip svg{display:block;width:100%;height:auto;overflow:visible;font-family:inherit}
.strip-name{margin:0;font-size:13px;font-weight:650;overflow-wrap:anywhere}
h4.below{margin:22px 0 4px}
.sample-prompt{margin:14px 0 2px}
.sample-columns{display:grid;grid-template-columns:repeat(auto-fit,minmax(min(100%,230px),1fr));gap:14px;margin:10px 0 20px}
.sample{min-width:0}
.sample pre{max-height:18em}
details.samples{margin-top:10px}
td code{overflow-wrap:anywhere}
.arms td:nth-child(2){min-width:13em}
.arms td:nth-child(3){min-width:14em}
.arms td:nth-child(n+4){min-width:5em}
@media (max-width:720px){
.answer-grid{grid-template-columns:minmax(0,1fr)}
main,header,footer{padding-left:14px;padding-right:14px}
header{padding-top:24px}
h1{font-size:24px}
.sentence{font-size:16px}
section{padding:18px 14px;border-radius:10px}
.wide{display:none}
.narrow{display:block}
.narrow svg+svg{margin-top:18px}
.bar-row>summary,div.bar-row{grid-template-columns:1fr auto;gap:2px 10px}
.bar-track{grid-column:1/-1;grid-row:2}
.stack-row{grid-template-columns:1fr;gap:2px}
.meter-row{grid-template-columns:1fr;gap:2px}
.meter-row.axis .stack-label,.meter-row.axis .meter-value{display:none}
td:last-child:not(.n){min-width:15em}
.facts{grid-template-columns:1fr;gap:0 0}
.facts dd{margin-bottom:8px}
}
@media print{
body{background:#fff;font-size:12px}
main,header,footer{padding-left:0;padding-right:0}
section{padding:12px 0;border-width:1px 0 0;border-radius:0}
.grid,.rollout-steps{grid-template-columns:1fr 1fr;gap:16px}
.strip{grid-template-columns:repeat(4,1fr)}
.arm-key{position:static}
.tiles{grid-template-columns:repeat(5,1fr)}
.tile{padding:8px}
.tile .value{font-size:15px}
.scroll{overflow:visible}
table{font-size:10px;min-width:0}
th,td{padding-right:8px}
tbody th{min-width:0}
thead th,td small,th small,td code,th code,td .badge{font-size:9px}
pre{max-height:none}
h2,h3,h4{break-after:avoid}
section,.tile{border-color:#ccc;break-inside:auto}
figure,.tile,.verdict,tr{break-inside:avoid}
nav{display:none}
details.data{display:none}
}
`;
