"""The explorer's looks, after those that it shares with the review panel."""

from __future__ import annotations

__all__ = ["EXPLORER_CSS"]

EXPLORER_CSS = """<style>
.jl-explorer > .jl-filters { gap: 10px 22px; align-items: flex-start; }
.jl-explorer .jl-group { display: flex; flex-flow: column; gap: 6px; width: auto;
  align-self: flex-start; flex: 1 1 260px; max-width: 420px; }
.jl-explorer .jl-group > * { align-self: stretch; }
.jl-explorer .jl-span { flex: 1 1 100%; max-width: none; }
.jl-explorer .jl-caption { color: var(--jl-muted); }
.jl-explorer .widget-dropdown > select { max-width: none; flex: 1 1 auto; width: 100%; }
.jl-explorer .widget-dropdown { display: flex; }
.jl-explorer .jl-group .widget-label { min-width: 118px; }
.jl-explorer .widget-slider { margin: 0; width: 100%; height: 28px; display: flex;
  align-items: center; gap: 8px; }
.jl-explorer .widget-slider .slider-container { flex: 1 1 auto; margin: 0 8px;
  min-width: 90px; }
.jl-explorer .widget-readout { min-width: 46px; width: auto; color: var(--jp-ui-font-color1);
  text-align: right; font-variant-numeric: tabular-nums; }
.jl-explorer .jl-span .widget-readout { min-width: 300px; }
.jl-explorer .widget-select-multiple { margin: 0; width: 100%; height: auto; display: flex;
  flex-direction: column; align-items: stretch; gap: 2px; }
.jl-explorer .widget-select-multiple > select { width: 100%; height: auto; flex: 0 0 auto;
  font-size: var(--jp-ui-font-size1); }
.jl-explorer h4 { margin: 0 0 2px; font-size: var(--jp-ui-font-size2); font-weight: 600; }
.jl-explorer .jl-parts { display: flex; flex-flow: row wrap; gap: 18px 28px;
  align-items: flex-start; }
.jl-explorer .jl-parts > .widget-html { flex: 1 1 400px; width: auto; }
.jl-explorer .jl-parts > .jl-wider { flex-grow: 1.25; }
.jl-explorer > .jl-parts { border-top: 1px solid var(--jl-line); padding: 12px 16px; }
.jl-explorer > .jl-worth { border-top: 1px solid var(--jl-line); padding: 12px 16px; }
.jl-explorer p { margin: 4px 0; }
.jl-explorer .jl-scroll { overflow: auto; max-height: 560px; }
.jl-explorer .jl-scroll tr:first-child > th { position: sticky; top: 0; z-index: 1;
  background: var(--jp-layout-color1); }
.jl-explorer .jl-parts > .jl-full { flex-basis: 100%; }
.jl-explorer .jl-table { width: 100%; }
.jl-explorer .jl-table :is(th, td) { vertical-align: top; line-height: 1.4;
  overflow-wrap: break-word; }
.jl-explorer .jl-table th { font-weight: 600; }
.jl-explorer .jl-table :is(th, td):first-child { min-width: 74px; }
.jl-explorer .jl-table :is(th, td):last-child { padding-right: 4px; }
.jl-explorer .jl-number { text-align: right; white-space: nowrap; }
.jl-explorer th.jl-number { text-align: right; }
.jl-explorer .jl-name { min-width: 84px; }
.jl-explorer .jl-tiny { font-size: 0.86em; }

.jl-explorer .jl-heatmap { border-collapse: separate; border-spacing: 2px; width: 100%; }
.jl-explorer .jl-heatmap :is(th, td) { padding: 3px 6px; text-align: center;
  line-height: 1.25; min-width: 52px; }
.jl-explorer .jl-heatmap th { font-weight: 600; vertical-align: bottom; }
.jl-explorer .jl-heatmap th.jl-name { text-align: left; vertical-align: middle;
  font-weight: 400; min-width: 110px; }
.jl-explorer .jl-heatmap td { border: 2px solid transparent; border-radius: 3px;
  white-space: nowrap;
  background: color-mix(in srgb, var(--jp-brand-color1) var(--jl-share),
    var(--jp-layout-color1)); font-variant-numeric: tabular-nums; }
.jl-explorer .jl-heatmap td .jl-n { display: block; font-size: 0.8em; }
.jl-explorer .jl-heatmap td.jl-few { background: none; border: 2px dashed
  var(--jp-border-color1); }
.jl-explorer .jl-heatmap td.jl-no { background: repeating-linear-gradient(135deg, transparent
  0 5px, var(--jl-line) 5px 6px); color: var(--jl-muted); }
.jl-explorer .jl-heatmap td.jl-pick { border: 2px solid var(--jp-ui-font-color1);
  font-weight: 700; }
.jl-explorer .jl-heatmap td.jl-pick .jl-n { font-weight: 400; }
.jl-explorer .jl-scale { display: inline-block; width: 90px; height: 10px; border-radius: 2px;
  vertical-align: baseline; margin: 0 4px; border: 1px solid var(--jl-line);
  background: linear-gradient(90deg,
    color-mix(in srgb, var(--jp-brand-color1) 4%, var(--jp-layout-color1)),
    color-mix(in srgb, var(--jp-brand-color1) 52%, var(--jp-layout-color1))); }

.jl-explorer .jl-other { font-weight: 700; text-decoration: underline;
  text-decoration-thickness: 2px; text-underline-offset: 3px;
  text-decoration-color: var(--jp-warn-color1); }
.jl-explorer .jl-table .jl-mine { padding-left: 8px; background: color-mix(in srgb,
  var(--jp-brand-color1) 9%, var(--jp-layout-color1)); }
.jl-explorer .jl-table .jl-mine + :is(th, td) { padding-left: 10px; }
.jl-explorer tr.jl-total td { border-bottom: 0; color: var(--jl-muted); }

.jl-explorer .jl-values td { padding-top: 6px; padding-bottom: 6px; }
.jl-explorer .jl-values td.jl-bars { width: 34%; min-width: 170px; padding: 0 16px 0 4px; }
.jl-explorer .jl-values th.jl-bars { padding: 2px 16px 2px 4px; }
.jl-explorer .jl-axis { display: flex; justify-content: space-between; font-weight: 400;
  font-size: 0.86em; font-variant-numeric: tabular-nums; }
.jl-explorer .jl-plot { position: relative; height: 34px; }
.jl-explorer .jl-plot > span { position: absolute; }
.jl-explorer .jl-base { top: 0; bottom: 0; width: 0; border-left: 1px dashed var(--jl-muted); }
.jl-explorer .jl-range { top: 15px; height: 4px; border-radius: 2px;
  background: var(--jp-brand-color1); }
.jl-explorer .jl-dot { top: 11px; width: 12px; height: 12px; margin-left: -6px;
  border-radius: 50%; background: var(--jp-brand-color1);
  border: 2px solid var(--jp-layout-color1); }
.jl-explorer .jl-plot.jl-ref .jl-dot { background: var(--jp-layout-color1);
  border-color: var(--jp-brand-color1); }
.jl-explorer .jl-unknown { top: 12px; height: 10px; border: 2px dashed var(--jl-muted);
  border-radius: 2px; }
.jl-explorer .jl-waiting .jl-values { opacity: 0.4; }
.jl-explorer .jl-waiting .jl-fresh, .jl-explorer .jl-stale { display: none; }
.jl-explorer .jl-waiting .jl-stale { display: inline; }
.jl-explorer .jl-key { font-weight: 400; }
</style>"""
