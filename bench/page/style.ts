/** The page's style: two themes by the reader's preference, one column on a phone. Text has a contrast of at least 5 to the
 *  paper, bars and curves of 3. Blue, orange and green differ in lightness or hue under the common colour blindnesses, and symbols and
 *  dashes tell curves apart without any colour. */
export const style = `
:root { color-scheme: light dark;
  --paper: #ffffff; --ink: #1c2024; --soft: #5b6470; --grid: #e3e6ea; --line: #c9ced6;
  --chosen: #0b62a4; --outside: #c2410c; --forced: #8a94a1; --third: #0f766e; }
@media (prefers-color-scheme: dark) { :root {
  --paper: #14181d; --ink: #e6e9ed; --soft: #a3adb9; --grid: #2a3139; --line: #3b444f;
  --chosen: #6cb2f5; --outside: #f59358; --forced: #7d8896; --third: #4fd1b5; } }
* { box-sizing: border-box; }
body { margin: 0 auto; padding: 16px; max-width: 1150px; background: var(--paper); color: var(--ink);
  font: 16px/1.5 system-ui, sans-serif; overflow-wrap: anywhere; }
h1 { font-size: 1.6rem; margin: 0.5em 0 0.2em; } h2 { font-size: 1.2rem; margin: 2em 0 0.4em; }
p { max-width: 75ch; } a { color: var(--chosen); } .soft { color: var(--soft); }
dl { display: grid; grid-template-columns: max-content 1fr; gap: 2px 16px; margin: 0.5em 0; } dt { color: var(--soft); } dd { margin: 0; }
figure { margin: 0; } figcaption { font-size: 0.875rem; line-height: 1.4; color: var(--soft); margin-bottom: 6px; } figcaption b { color: var(--ink); }
.plot { display: block; width: 100%; height: auto; } .plot text { white-space: pre; }
.many { display: grid; grid-template-columns: repeat(auto-fill, minmax(min(100%, 340px), 1fr)); gap: 28px 24px; align-items: start; }
.many .plot { max-width: 440px; } .narrow .plot { max-width: 560px; }
.wide { display: none; } @media (min-width: 1000px) { .wide { display: block; } .narrow { display: none; } }
.roofline figcaption { max-width: 75ch; }
.key { font-size: 0.875rem; } .swatch { display: inline-block; width: 0.8em; height: 0.8em; border-radius: 2px; }
.swatch.chosen { background: var(--chosen); } .swatch.forced { background: var(--forced); } .swatch.outside { background: var(--outside); }
.scroll { overflow-x: auto; border: 1px solid var(--line); border-radius: 6px; }
table { border-collapse: collapse; font-size: 0.8125rem; font-variant-numeric: tabular-nums; width: 100%; }
th, td { padding: 3px 10px; text-align: right; white-space: nowrap; font-weight: normal; }
th:first-child, td.why { text-align: left; } td.why { color: var(--soft); white-space: normal; min-width: 24em; }
thead th { font-weight: 600; border-bottom: 1px solid var(--line); } tbody th[scope=row] { position: sticky; left: 0; background: var(--paper); }
tr.over th { padding-top: 12px; }
tr.over span { font-weight: 600; position: sticky; left: 10px; display: inline-block; max-width: min(100vw - 54px, 1080px); white-space: normal; }
details { margin: 0.6em 0; } summary { cursor: pointer; }
`
