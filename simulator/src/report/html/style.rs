//! The style sheet: colours as variables, for light, dark and paper. Colours of lines also differ by lightness and
//! dashes; text has a contrast of at least 4.5 to 1 on its background.

/// The whole of it.
pub(super) const SHEET: &str = r"
:root{color-scheme:light dark;--ground:#fff;--card:#f4f6f8;--ink:#1a2129;--faint:#55606c;--rule:#d5dbe1;
--without:#b23a0e;--with:#0a58a8;--perfect:#00694f;--refused:#8a2f7b;--attack:#f9dfd3;--capped:#7a4fb5;--band:#c9ddf3;
--good:#00694f;--warning:#855300;--alarm:#b3261e}
@media (prefers-color-scheme:dark){:root{--ground:#12171d;--card:#1c232b;--ink:#e6eaee;--faint:#a3afba;
--rule:#36414c;--without:#ff9c66;--with:#77b8ff;--perfect:#55d3ab;--refused:#f19ad9;--attack:#472a20;--capped:#c5a3f5;--band:#243f5c;
--good:#55d3ab;--warning:#f2bd5c;--alarm:#ff8a80}}
*{box-sizing:border-box}
html{-webkit-text-size-adjust:100%;text-size-adjust:100%}
body{margin:0;background:var(--ground);color:var(--ink);font:16px/1.5 system-ui,sans-serif;overflow-wrap:anywhere}
main{max-width:70rem;margin:0 auto;padding:1.5rem 1rem 4rem}
h1{font-size:1.7rem;line-height:1.25;margin:.2rem 0 .6rem}
h2{font-size:1.25rem;margin:2.5rem 0 .7rem;padding-bottom:.25rem;border-bottom:1px solid var(--rule)}
h3{font-size:1rem;margin:0}
p{margin:.4rem 0;max-width:46rem}
.faint,figcaption p,caption{color:var(--faint)}
.good{color:var(--good)}.warning{color:var(--warning)}.alarm{color:var(--alarm)}
.badge{display:inline-block;border:1px solid;border-radius:.3rem;padding:0 .5rem;font-size:.85rem;font-weight:600}
.cards{display:grid;grid-template-columns:repeat(auto-fill,minmax(15rem,1fr));gap:.7rem;margin:1.2rem 0 0}
.heroes dd strong{font-size:1.9rem}
.cards div{background:var(--card);border-radius:.5rem;padding:.7rem .9rem}
dt{color:var(--faint);font-size:.875rem}
dd{margin:0}
dd strong{display:block;font-size:1.45rem;line-height:1.3;font-variant-numeric:tabular-nums}
dd span{font-size:.875rem;display:block}
.charts{display:grid;gap:1.8rem}
figure{margin:0;break-inside:avoid}
figcaption p{font-size:.9rem;margin:.1rem 0}
.plot{position:relative;margin:1.9rem 9.5rem 1.8rem 4.2rem;height:12.5rem}
.area,.chart{position:absolute;inset:0;width:100%;height:100%}
.chart{overflow:visible}
.plot span{position:absolute;font-size:.8rem;line-height:1;white-space:nowrap;color:var(--faint)}
.ys span{right:calc(100% + .5rem);transform:translateY(-50%);font-variant-numeric:tabular-nums}
.xs{position:absolute;inset:auto 0 0}
.xs span{top:.45rem;transform:translateX(-50%);font-variant-numeric:tabular-nums}
.plot .ends span{left:calc(100% + .5rem);transform:translateY(-50%);font-weight:600;width:9rem;white-space:normal;line-height:1.15}
.ends .without{color:var(--without)}.ends .with{color:var(--with)}.ends .perfect{color:var(--perfect)}
.ends .refused{color:var(--refused)}.ends .cap{color:var(--capped)}.ends .level,.ends .seen{color:var(--ink)}
.plot .mark{color:var(--ink);background:var(--ground);padding:.1rem .25rem;border-radius:.2rem;pointer-events:none}
.plot .mark.before{transform:translateX(-100%)}
.plot .mark.attack{top:.25rem;margin-left:.25rem;color:var(--alarm)}.plot .mark.before.attack{margin-left:0}
.plot .mark.capped{top:-1.7rem;color:var(--capped)}.plot .mark.beyond{top:1.5rem;color:var(--with);font-weight:600}
.hover{fill:var(--ink);fill-opacity:0}.hover:hover{fill-opacity:.08}
path{vector-effect:non-scaling-stroke;fill:none}
.grid{stroke:var(--rule);stroke-width:1}
.line{stroke-width:2;stroke-linecap:round;stroke-linejoin:round}
.line.without{stroke:var(--without)}.line.with{stroke:var(--with);stroke-width:2.5}
.line.perfect{stroke:var(--perfect);stroke-dasharray:6 5}
.line.refused{stroke:var(--refused);stroke-dasharray:9 3 2 3}
.line.cap{stroke:var(--capped);stroke-width:3}
.line.level{stroke:var(--ink);stroke-dasharray:10 5;stroke-width:1.5}
.line.seen{stroke:var(--ink);stroke-dasharray:2 4}
.band{fill:var(--band)}
rect.attack{fill:var(--attack)}rect.capped{fill:var(--capped)}
.key{list-style:none;margin:.3rem 0 0;padding:0;display:flex;flex-wrap:wrap;gap:.1rem 1.1rem;font-size:.85rem}
.key .swatch{display:inline-block;width:1.5rem;height:.5rem;margin-right:.4rem;vertical-align:middle}
span.swatch.attack{background:var(--attack);outline:1px solid var(--rule)}
span.swatch.capped{background:var(--capped)}
table{border-collapse:collapse;width:100%;font-size:.9rem;margin:.5rem 0}
caption{text-align:left;padding-bottom:.3rem}
th,td{padding:.35rem .6rem .35rem 0;border-bottom:1px solid var(--rule);text-align:right;vertical-align:top;
font-variant-numeric:tabular-nums}
th:first-child{text-align:left}tbody th{font-weight:600}
thead th{color:var(--faint);font-weight:600}
th,td{overflow-wrap:normal}tbody th,td.name{overflow-wrap:anywhere;min-width:6rem}
.timeline{list-style:none;margin:0;padding:0}
.timeline>li{display:grid;grid-template-columns:7rem 1fr;gap:.6rem;padding:.5rem 0;border-bottom:1px solid var(--rule);
break-inside:avoid}
.timeline time{font-variant-numeric:tabular-nums;font-weight:600}
.timeline p{margin:.1rem 0;max-width:none}
.timeline .why{color:var(--faint);padding-left:1.2rem}
pre{background:var(--card);border-radius:.5rem;padding:.9rem;white-space:pre-wrap;font:.875rem/1.5 ui-monospace,monospace;
margin:.5rem 0}
code{font:.9em ui-monospace,monospace;background:var(--card);padding:.1rem .3rem;border-radius:.2rem}
summary{cursor:pointer;padding:.6rem 0;color:var(--with)}
.terms dt{font-weight:600;color:var(--ink);margin-top:.6rem}
@media (max-width:44rem){h1{font-size:1.35rem}.plot{margin:1.9rem .6rem 1.8rem 3.6rem;height:10.5rem}
.ends,.xs .other{display:none}.timeline>li{grid-template-columns:1fr;gap:.1rem}
.cards{grid-template-columns:repeat(2,minmax(0,1fr))}.cards div{padding:.6rem}dd strong{font-size:1.15rem}
}
@media screen and (max-width:56rem){thead{position:absolute;clip-path:inset(50%);width:1px;height:1px;overflow:hidden}
table,tbody,tr,tbody th,td,caption{display:block}tbody th{border:0;padding:0}tr{padding:.5rem 0;border-bottom:1px solid var(--rule)}
td{border:0;padding:.05rem 0;display:flex;justify-content:space-between;gap:1rem}
td::before{content:attr(data-name);color:var(--faint);text-align:left}}
@media print{:root{--ground:#fff;--card:#fff;--ink:#000;--faint:#444;--rule:#bbb;--without:#b23a0e;--with:#0a58a8;
--perfect:#00694f;--refused:#8a2f7b;--attack:#f9dfd3;--capped:#7a4fb5;--band:#c9ddf3;--good:#00694f;--warning:#855300;--alarm:#b3261e}
main{padding:0;max-width:none}table{font-size:7.5pt}h2{break-after:avoid}body{font-size:10pt;print-color-adjust:exact;-webkit-print-color-adjust:exact}
.cards div,pre{border:1px solid var(--rule)}}
";
