"""The panels' looks: JupyterLab's own CSS variables alone, so that every theme fits."""

from __future__ import annotations

__all__ = ["CSS"]

CSS = """<style>
.jl-review { --jl-gap: 12px; --jl-line: var(--jp-border-color2);
  --jl-muted: color-mix(in srgb, var(--jp-ui-font-color1) 74%, var(--jp-layout-color1));
  color: var(--jp-ui-font-color1); font-family: var(--jp-ui-font-family);
  font-size: var(--jp-ui-font-size1); border: 1px solid var(--jl-line); border-radius: 6px;
  background: var(--jp-layout-color1); padding: 0; max-width: 1320px; margin: 4px 2px;
  overflow: visible; }
.jl-review, .jl-review * { box-sizing: border-box; }
.jl-review .widget-vbox, .jl-review .widget-hbox, .jl-review .widget-html,
.jl-review .widget-html-content { overflow: visible; margin: 0; width: 100%; height: auto;
  line-height: 1.5; font-size: var(--jp-ui-font-size1); min-width: 0; align-self: stretch; }
.jl-review .jl-css,
.jl-review .widget-html:has(> .widget-html-content:empty) { display: none; }
.jl-review > .widget-vbox, .jl-review > .widget-hbox, .jl-review > .widget-html {
  padding: 10px 16px; }
.jl-review .jl-bar { border-bottom: 1px solid var(--jl-line);
  background: var(--jp-layout-color2); border-radius: 6px 6px 0 0; }
.jl-review .jl-filters { gap: 8px 16px; flex-flow: row wrap; align-items: center;
  border-bottom: 1px solid var(--jl-line); }
.jl-review > .jl-work { gap: 14px; padding-top: 12px; padding-bottom: 14px; }
.jl-review .jl-item { gap: var(--jl-gap); }
.jl-review .jl-row { gap: 8px; flex-flow: row wrap; align-items: center; }
.jl-review .jl-columns { gap: 16px; flex-flow: row wrap; align-items: stretch; }
.jl-review .jl-columns > * { flex: 1 1 380px; width: auto; }
.jl-review .jl-row > .widget-hbox, .jl-review .jl-row > .widget-html {
  width: auto; align-self: center; }
.jl-review .jl-row > .jl-side { padding-left: 12px; margin-left: 4px; }
.jl-review .jl-prompt { gap: 6px; }
.jl-review .jl-columns > .widget-html { display: flex; }
.jl-review .jl-columns > .widget-html > .widget-html-content { display: flex;
  flex-direction: column; gap: 4px; }
.jl-review .jl-columns > .widget-vbox { gap: 8px; }
.jl-review .jl-actions { border-top: 1px solid var(--jl-line); padding-top: 12px; gap: 10px; }
.jl-review .jl-side { border-left: 1px solid var(--jl-line); }
.jl-review .jl-ask { border: 2px solid var(--jp-warn-color1); border-radius: 4px;
  padding: 8px 12px; }
.jl-review .jl-foot { border-top: 1px solid var(--jl-line); gap: 8px; }

.jl-review .widget-text, .jl-review .widget-textarea, .jl-review .widget-dropdown {
  margin: 0; width: auto; height: auto; overflow: visible; align-items: center; gap: 6px; }
.jl-review .widget-label { width: auto; min-width: 0; max-width: none; overflow: visible;
  margin: 0; color: var(--jp-ui-font-color1); font-size: var(--jp-ui-font-size1);
  text-align: left; text-overflow: clip; }
.jl-review .widget-text > input, .jl-review .widget-dropdown > select { width: auto;
  min-width: 96px; max-width: 180px; flex: 1 1 auto; height: 30px; font-family: inherit;
  font-size: var(--jp-ui-font-size1); padding: 0 8px; }
.jl-review .widget-dropdown > select { appearance: auto; background-image: none;
  padding: 0 4px; }
.jl-review .jl-wide { flex: 1 1 200px; }
.jl-review .jl-wide > input { width: 100%; max-width: none; }
.jl-review .jl-editor { flex: 1 1 auto; flex-direction: column; align-items: stretch; gap: 4px; }
.jl-review .jl-editor > .widget-label, .jl-review .jl-head {
  font-weight: 600; color: var(--jp-ui-font-color1); line-height: 24px; height: auto; }
.jl-review .jl-editor > textarea { field-sizing: content; width: 100%; flex: 1 1 auto;
  min-height: 140px; max-height: 70vh; resize: vertical; padding: 8px 10px;
  line-height: 1.5; font-family: var(--jp-code-font-family);
  font-size: var(--jp-code-font-size); unicode-bidi: plaintext; text-align: start;
  overflow-wrap: anywhere; white-space: pre-wrap; }
.jl-review textarea, .jl-review input, .jl-review select {
  border: 1px solid var(--jp-border-color1); border-radius: 3px;
  background-color: var(--jp-layout-color0); color: var(--jp-ui-font-color0); }
.jl-review textarea:disabled { color: var(--jl-muted);
  background: var(--jp-layout-color2); }
.jl-review .jupyter-button { width: auto; height: 32px; line-height: 30px; padding: 0 14px;
  margin: 0; border-radius: 3px; font-size: var(--jp-ui-font-size1);
  border: 1px solid var(--jp-border-color1); background: var(--jp-layout-color1);
  color: var(--jp-ui-font-color1); box-shadow: none; }
.jl-review .jupyter-button:hover:enabled { background: var(--jp-layout-color2);
  box-shadow: none; }
.jl-review .jupyter-button.mod-primary { background: var(--jp-brand-color1);
  border-color: var(--jp-brand-color1); color: var(--jp-ui-inverse-font-color1);
  font-weight: 600; }
.jl-review .jupyter-button.mod-danger { border-color: var(--jp-error-color1);
  border-width: 2px; line-height: 28px; font-weight: 600; }
.jl-review .jupyter-button:disabled { opacity: 0.45; }
.jl-review .jl-actions > .jupyter-button { align-self: flex-start; }
.jl-review .jl-small { height: 26px; line-height: 24px; padding: 0 10px; }
.jl-review :is(button, input, select, textarea, summary):focus-visible {
  outline: 2px solid var(--jp-brand-color1); outline-offset: 2px; }

.jl-review .jl-progress { display: flex; flex-wrap: wrap; gap: 4px 14px; align-items: center; }
.jl-review .jl-progress b { font-size: var(--jp-ui-font-size2); }
.jl-review .jl-track { flex: 1 1 160px; max-width: 320px; height: 8px; border-radius: 4px;
  background: var(--jp-border-color1); overflow: hidden; }
.jl-review .jl-fill { height: 8px; background: var(--jp-brand-color1); }
.jl-review .jl-chips { display: flex; flex-wrap: wrap; gap: 6px 8px; align-items: center; }
.jl-review .jl-chip { border: 1px solid var(--jl-line); border-radius: 12px; padding: 1px 10px;
  background: var(--jp-layout-color2); overflow-wrap: anywhere; }
.jl-review .jl-key { color: var(--jl-muted); }
.jl-review .jl-low, .jl-review .jl-error { --jl-tone: var(--jp-error-color1); }
.jl-review .jl-fair, .jl-review .jl-warn { --jl-tone: var(--jp-warn-color1); }
.jl-review .jl-acceptable, .jl-review .jl-good { --jl-tone: var(--jp-success-color1); }
.jl-review .jl-info { --jl-tone: var(--jp-brand-color1); }
.jl-review .jl-chip:is(.jl-low, .jl-fair, .jl-acceptable, .jl-warn) {
  border: 2px solid var(--jl-tone); padding: 0 9px; font-weight: 600; }
.jl-review .jl-call { border-left: 4px solid var(--jl-tone); border-radius: 3px;
  padding: 6px 12px; background: color-mix(in srgb, var(--jl-tone) 10%, transparent);
  overflow-wrap: anywhere; }
.jl-review .jl-call { margin-top: 6px; }
.jl-review .jl-actions .jl-call, .jl-review .jl-foot .jl-call { margin-top: 0; }
.jl-review .jl-call.jl-muted { border: 0; padding: 0; background: none; }
.jl-review .jl-muted { color: var(--jl-muted); }
.jl-review .jl-text { white-space: pre-wrap; overflow-wrap: anywhere; tab-size: 4;
  font-family: var(--jp-code-font-family); font-size: var(--jp-code-font-size);
  line-height: 1.5; unicode-bidi: plaintext; text-align: start; }
.jl-review .jl-none { color: var(--jl-muted); font-style: italic; }
.jl-review .jl-cut { color: var(--jl-muted); font-style: italic; margin-top: 4px; }
.jl-review .jl-hidden { border: 1px solid var(--jp-border-color1); border-radius: 3px;
  padding: 0 3px; margin: 0 1px; font-size: 0.85em; color: var(--jl-muted);
  unicode-bidi: isolate; direction: ltr; }
.jl-review .jl-answer { flex: 1 1 auto; border: 1px solid var(--jl-line); border-radius: 3px;
  padding: 8px 10px; min-height: 140px;
  background: color-mix(in srgb, var(--jp-layout-color2) 55%, transparent); }
.jl-review .jl-diff { border: 1px dashed var(--jp-border-color1); border-radius: 3px;
  padding: 8px 10px; }
.jl-review .jl-diff del { text-decoration: line-through; text-decoration-thickness: 2px;
  background: color-mix(in srgb, var(--jp-error-color1) 22%, transparent); }
.jl-review .jl-diff ins { text-decoration: underline; text-decoration-thickness: 2px;
  text-underline-offset: 3px; font-weight: 600;
  background: color-mix(in srgb, var(--jp-success-color1) 22%, transparent); }
.jl-review .jl-fold { color: var(--jl-muted); font-style: italic; }
.jl-review details { border: 1px solid var(--jl-line); border-radius: 3px; }
.jl-review details + details { margin-top: 4px; }
.jl-review summary { padding: 4px 10px; cursor: pointer; overflow-wrap: anywhere; }
.jl-review summary .jl-role { font-weight: 600; margin-right: 8px; }
.jl-review summary .jl-preview { color: var(--jl-muted); }
.jl-review details[open] > summary { border-bottom: 1px solid var(--jl-line); }
.jl-review details[open] > summary .jl-preview { display: none; }
.jl-review details > .jl-text { padding: 8px 10px; }
.jl-review details > .jl-cut { padding: 0 10px 8px; }
.jl-review .jl-tables { display: flex; flex-wrap: wrap; gap: 8px 32px; align-items: flex-start; }
.jl-review .jl-table { border-collapse: collapse; font-size: var(--jp-ui-font-size1); }
.jl-review .jl-table :is(th, td) { padding: 2px 12px 2px 0; text-align: left;
  border-bottom: 1px solid var(--jl-line); overflow-wrap: anywhere; }
.jl-review .jl-table .jl-number { text-align: right; font-variant-numeric: tabular-nums; }
</style>"""
