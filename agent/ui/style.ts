/** How the page looks: two palettes, one column on a narrow screen, nothing that moves without a reason. */
export const style = `
:root {
  color-scheme: light dark;
  --ground: #fbfaf8; --panel: #ffffff; --line: #e4e1da; --text: #23211d; --quiet: #77726a;
  --good: #2f7d4f; --warn: #a86a00; --bad: #b3261e; --none: #77726a; --accent: #2a5db0;
}
@media (prefers-color-scheme: dark) {
  :root {
    --ground: #171614; --panel: #201f1c; --line: #34322e; --text: #e9e6e0; --quiet: #9a958c;
    --good: #6cc08b; --warn: #e0a63c; --bad: #f2857c; --none: #9a958c; --accent: #8ab4f8;
  }
}
* { box-sizing: border-box; }
body {
  margin: 0; background: var(--ground); color: var(--text);
  font: 15px/1.5 system-ui, -apple-system, "Segoe UI", sans-serif;
}
header {
  display: flex; flex-wrap: wrap; gap: .4rem 1.6rem; align-items: baseline;
  padding: 1.1rem 1.6rem .9rem; border-bottom: 1px solid var(--line); background: var(--panel);
}
h1 { margin: 0; font-size: 1.15rem; letter-spacing: .01em; }
header dl { display: flex; flex-wrap: wrap; gap: .2rem 1.4rem; margin: 0; }
header dl div { display: flex; gap: .45rem; }
dt { color: var(--quiet); }
dd { margin: 0; }
main {
  display: grid; grid-template-columns: minmax(0, 3fr) minmax(0, 2fr); gap: 1.2rem;
  max-width: 110rem; margin: 0 auto; padding: 1.2rem 1.6rem 3rem;
}
#left { display: grid; gap: 1.2rem; align-content: start; }
section { background: var(--panel); border: 1px solid var(--line); border-radius: .5rem; overflow: hidden; }
section > div { overflow-x: auto; }
.title {
  display: flex; justify-content: space-between; align-items: baseline; gap: 1rem;
  padding: .7rem 1rem; border-bottom: 1px solid var(--line);
}
h2 { margin: 0; font-size: .95rem; }
.title span, label { color: var(--quiet); font-size: .85rem; }
table { width: 100%; border-collapse: collapse; font-size: .9rem; }
th { text-align: left; font-weight: 500; color: var(--quiet); font-size: .8rem; }
th, td { padding: .38rem 1rem; vertical-align: top; }
tr + tr td { border-top: 1px solid var(--line); }
td.code, .number { font-family: ui-monospace, "SF Mono", Menlo, Consolas, monospace; font-size: .85em; }
td.output { color: var(--quiet); max-width: 34rem; overflow-wrap: anywhere; }
.state { white-space: nowrap; color: var(--none); }
.state::before { content: "●"; margin-right: .45em; font-size: .8em; }
.good { color: var(--good); } .warn { color: var(--warn); } .bad { color: var(--bad); }
ol { list-style: none; margin: 0; padding: 0; max-height: calc(100vh - 11rem); overflow-y: auto; }
ol li { display: grid; grid-template-columns: 3.6rem 1fr; gap: .1rem .8rem; padding: .5rem 1rem; font-size: .9rem; }
ol li + li { border-top: 1px solid var(--line); }
ol .number { color: var(--quiet); }
ol time, ol .more { grid-column: 2; color: var(--quiet); font-size: .82rem; overflow-wrap: anywhere; }
.empty { padding: 1rem; color: var(--quiet); }
@media (max-width: 60rem) {
  main { grid-template-columns: minmax(0, 1fr); padding: 1rem; }
  ol { max-height: none; }
}
`;
