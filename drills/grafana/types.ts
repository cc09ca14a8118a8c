// Grafana's types of a dashboard, for JSON: an enum is written as its text.
import type { AnnotationQuery, Dashboard, DataQuery, GraphFieldConfig, Panel, RowPanel } from "@grafana/schema";
import type { Options as Stat } from "@grafana/schema/dist/esm/raw/composable/stat/panelcfg/x/StatPanelCfg_types.gen";
import type { Options as TimeSeries } from "@grafana/schema/dist/esm/raw/composable/timeseries/panelcfg/x/TimeSeriesPanelCfg_types.gen";

type Written<T> = T extends string
  ? `${T}`
  : T extends (infer Member)[]
    ? Written<Member>[]
    : T extends object
      ? { [Name in keyof T]: Written<T[Name]> }
      : T;

type Source = { type: "prometheus"; uid: string };
type Query = DataQuery & { datasource: Source; expr: string; legendFormat: string; range?: boolean; instant?: boolean };
type Config<Custom> = NonNullable<Panel["fieldConfig"]>["defaults"] & { custom?: Custom };
type Of<Name extends string, Options, Custom> = Omit<Panel, "type" | "options" | "targets" | "fieldConfig"> & {
  type: Name;
  options: Options;
  targets: Query[];
  fieldConfig: { defaults: Config<Custom>; overrides: [] };
};
type Panels = Of<"timeseries", TimeSeries, GraphFieldConfig> | Of<"stat", Stat, never> | RowPanel;
type Annotations = { list: AnnotationQuery<DataQuery & { expr: string }>[] };

export type LanekortDashboard = Written<
  Omit<Dashboard, "panels" | "annotations"> & { panels: Panels[]; annotations: Annotations }
>;
