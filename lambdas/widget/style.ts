/**
 * The widget's style sheet. Every selector starts with the widget's own class: CloudWatch puts several widgets on one
 * page. Text has a contrast of at least 4.5 : 1 in both themes.
 */
export const css = `
.pgw { --ink:#16202c; --muted:#505c69; --page:#ffffff; --card:#f6f8fa; --line:#d5dbe1; --flow:#44505d; --link:#0b5cad;
  --good:#17693c; --warning:#854700; --critical:#ab1d1d; --unknown:#4c5a69;
  --good-tint:#eaf6ef; --warning-tint:#fff4e0; --critical-tint:#fdecea; --unknown-tint:#eef1f4; }
.pgw.dark { --ink:#e8eef5; --muted:#a9b7c6; --page:#0f1a26; --card:#182635; --line:#33475b; --flow:#b4c2d0; --link:#7fbcff;
  --good:#6bd59b; --warning:#ffbf66; --critical:#ff9c94; --unknown:#b3c0cd;
  --good-tint:#12301f; --warning-tint:#362810; --critical-tint:#3d191a; --unknown-tint:#1f2d3c; }
.pgw { box-sizing:border-box; padding:4px; color:var(--ink); background:var(--page);
  font:14px/1.5 "Amazon Ember","Segoe UI",Roboto,"Helvetica Neue","Liberation Sans",Arial,sans-serif; }
.pgw *, .pgw *::before { box-sizing:border-box; }
.pgw p, .pgw h2, .pgw h3, .pgw h4, .pgw ul, .pgw ol, .pgw dl, .pgw dd { margin:0; padding:0; }
.pgw ul { list-style:none; }
.pgw p, .pgw dd, .pgw li { overflow-wrap:anywhere; text-wrap:pretty; }
.pgw section { margin-top:28px; }
.pgw h3 { margin-bottom:10px; color:var(--ink); font-size:16px; font-weight:650; line-height:1.3; }
.pgw h4 { font-size:14px; font-weight:650; }
.pgw code, .pgw .execution { font-family:ui-monospace,SFMono-Regular,Menlo,Consolas,"DejaVu Sans Mono",monospace; font-size:13px; }
.pgw a { color:var(--link); }
.pgw :focus-visible { outline:2px solid var(--link); outline-offset:2px; }

.pgw .icon { flex:none; }
.pgw .icon .outline { fill:currentColor; }
.pgw .icon .mark { fill:none; stroke:var(--page); stroke-width:2.4; stroke-linecap:round; stroke-linejoin:round; }
.pgw .icon.good { color:var(--good); } .pgw .icon.warning { color:var(--warning); }
.pgw .icon.critical { color:var(--critical); } .pgw .icon.unknown { color:var(--unknown); }

.pgw .status { display:flex; gap:16px; align-items:flex-start; padding:18px 20px; border-radius:10px;
  border-left:6px solid currentColor; }
.pgw .status.good { color:var(--good); background:var(--good-tint); }
.pgw .status.warning { color:var(--warning); background:var(--warning-tint); }
.pgw .status.critical { color:var(--critical); background:var(--critical-tint); }
.pgw .status.unknown { color:var(--unknown); background:var(--unknown-tint); }
.pgw .status > div { flex:1; min-width:0; }
.pgw .status h2 { font-size:26px; font-weight:700; line-height:1.2; }
.pgw .status .cluster { color:var(--ink); font-weight:650; }
.pgw .status .meaning { margin-top:4px; max-width:110ch; color:var(--ink); font-size:15px; }
.pgw .status .seen { flex:none; color:var(--muted); font-size:13px; font-variant-numeric:tabular-nums; }
.pgw.dark .status .seen, .pgw.dark .status .meaning { color:var(--ink); }
.pgw.narrow .status { flex-wrap:wrap; gap:12px; padding:14px; }
.pgw.narrow .status .seen { width:100%; }

.pgw .facts { display:grid; grid-template-columns:repeat(4,1fr); gap:12px 24px; margin-top:16px; padding:0 4px; }
.pgw.narrow .facts { grid-template-columns:1fr 1fr; }
.pgw .facts dt { color:var(--muted); font-size:13px; }
.pgw .facts dd { display:flex; gap:6px; align-items:center; font-size:15px; font-weight:600; font-variant-numeric:tabular-nums; }
.pgw .facts .critical dd { color:var(--critical); } .pgw .facts .warning dd { color:var(--warning); }

.pgw .notice { display:flex; gap:8px; align-items:flex-start; margin-top:14px; padding:10px 12px; border-radius:8px;
  background:var(--unknown-tint); }
.pgw .notice .icon { margin-top:3px; }

.pgw .trouble { padding:16px 20px; border:1px solid var(--line); border-radius:10px; }
.pgw.narrow .trouble { padding:14px; }
.pgw .trouble h3 { margin-bottom:0; }
.pgw .trouble h4 { margin-top:14px; }
.pgw .trouble .times { color:var(--muted); }
.pgw .findings li { display:flex; gap:10px; margin-top:10px; }
.pgw .findings .icon { margin-top:2px; }
.pgw .findings p { max-width:90ch; }
.pgw .steps { padding-left:22px; }
.pgw .steps li { margin-top:8px; }
.pgw .steps p { max-width:90ch; }

.pgw .start { display:flex; flex-wrap:wrap; gap:8px 16px; align-items:center; margin-top:8px; }
.pgw .btn { padding:5px 12px; border:1px solid var(--link); border-radius:6px; color:var(--link); background:transparent;
  font:inherit; font-weight:600; cursor:pointer; text-decoration:none; }
.pgw .btn:hover { background:var(--card); }
.pgw cwdb-action { display:none; }

.pgw .topology { display:flex; align-items:stretch; }
.pgw .centre { display:flex; flex:0 1 38%; align-items:center; min-width:0; }
.pgw .others { flex:1; min-width:0; }
.pgw .others li { display:flex; align-items:stretch; }
.pgw .node { flex:1; min-width:0; margin:6px 0; padding:12px 16px; border:1px solid var(--line); border-radius:10px;
  background:var(--card); }
.pgw .node.warning, .pgw .node.critical { border:2px solid currentColor; padding:11px 15px; }
.pgw .node.warning { color:var(--warning); } .pgw .node.critical { color:var(--critical); }
.pgw .node.unknown, .pgw .node.absent { border:2px dashed var(--unknown); padding:11px 15px; }
.pgw .node p { color:var(--ink); }
.pgw .node .role { display:flex; justify-content:space-between; gap:8px; color:var(--muted); font-size:13px; }
.pgw .node.absent .role { color:var(--ink); font-size:16px; font-weight:650; }
.pgw .node .sync { padding:0 8px; border:1px solid var(--line); border-radius:10px; color:var(--ink); font-weight:600; }
.pgw .node .name { font-size:16px; font-weight:650; line-height:1.3; }
.pgw .node .address { color:var(--muted); font-size:13px; font-variant-numeric:tabular-nums; }
.pgw .node .state { display:flex; gap:7px; align-items:flex-start; margin-top:6px; font-weight:600; font-variant-numeric:tabular-nums; }
.pgw .node .state .icon { margin-top:2.5px; }
.pgw .node .detail { color:var(--muted); font-size:13px; }

.pgw .topology svg { overflow:visible; }
.pgw .stub { flex:none; width:28px; height:2px; }
.pgw .arrow { position:relative; flex:none; width:132px; }
.pgw .arrow > svg { position:absolute; width:100%; height:100%; }
.pgw .topology line { stroke:var(--line); stroke-width:2; }
.pgw.wide .arrow .trunk.first { display:none; }
.pgw .arrow .flow { stroke:var(--flow); stroke-width:2; }
.pgw .arrow .head { fill:var(--flow); }
.pgw .arrow .label { fill:var(--ink); font-size:13px; font-weight:600; }
.pgw .arrow.synchronous .flow { stroke-width:3.5; }
.pgw .arrow.asynchronous .flow { stroke-dasharray:9 5; }
.pgw .arrow.catching-up .flow, .pgw .arrow.unknown .flow { stroke-dasharray:2 6; stroke-linecap:round; }
.pgw .arrow.none .flow { stroke:var(--line); }
.pgw .arrow.none .head { display:none; }
.pgw .arrow .cross { stroke:var(--critical); stroke-width:3; stroke-linecap:round; }
.pgw .headless .centre { flex-basis:calc(38% - 28px); margin-right:28px; }
.pgw.narrow .topology { display:block; }
.pgw.narrow .centre { margin-right:0; }
.pgw.narrow .stub { display:none; }
.pgw.narrow .others { padding-left:14px; }
.pgw.narrow .arrow { width:90px; }

.pgw .rule { margin-bottom:8px; }
.pgw .rule span { color:var(--muted); font-size:13px; }
/* A shadow where there is more to the right or to the left. */
.pgw .scroll { margin-top:0; overflow-x:auto; border:1px solid var(--line); border-radius:10px;
  background:linear-gradient(to right,var(--page) 40%,transparent) left/40px 100% no-repeat local,
    linear-gradient(to left,var(--page) 40%,transparent) right/40px 100% no-repeat local,
    linear-gradient(to right,var(--line),transparent) left/12px 100% no-repeat scroll,
    linear-gradient(to left,var(--line),transparent) right/12px 100% no-repeat scroll; }
.pgw table { width:100%; border-collapse:collapse; font-size:14px; font-variant-numeric:tabular-nums; }
.pgw caption { position:absolute; width:1px; height:1px; overflow:hidden; clip-path:inset(50%); white-space:nowrap; }
.pgw th, .pgw td { padding:7px 14px; text-align:left; white-space:nowrap; }
.pgw th { color:var(--muted); font-size:13px; font-weight:600; }
.pgw.narrow th, .pgw.narrow td { padding:7px 10px; }
.pgw td { border-top:1px solid var(--line); }

.pgw .running { display:flex; gap:10px; align-items:flex-start; margin-bottom:8px; }
.pgw .running .icon { margin-top:2px; color:var(--link); }
.pgw .lock { color:var(--muted); }
.pgw .runbooks { display:grid; grid-template-columns:repeat(auto-fill,minmax(min(100%,340px),1fr)); gap:12px; margin-top:12px; }
.pgw .runbooks li { display:flex; flex-direction:column; padding:12px 16px; border:1px solid var(--line); border-radius:10px; }
.pgw .runbooks .start { margin-top:auto; padding-top:10px; }
`;
