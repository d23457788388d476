import { createTheme, type MantineColorsTuple } from "@mantine/core";

const lake: MantineColorsTuple = [
  "#e6f7fa", "#cfeaf0", "#a0d4e0", "#6dbdd0", "#45aac2", "#2b9db9", "#15839e", "#0b7285", "#045b6b", "#004653",
];

/** Calm: one colour of our own, system fonts, contrast that passes in both schemes (shade 7 light, 5 dark on text). */
export const theme = createTheme({
  primaryColor: "lake",
  primaryShade: { light: 7, dark: 7 },
  colors: { lake },
  defaultRadius: "md",
  autoContrast: true,
  luminanceThreshold: 0.35,
  cursorType: "pointer",
  fontFamilyMonospace: "ui-monospace, SFMono-Regular, Menlo, Consolas, monospace",
  headings: { fontWeight: "600" },
  components: {
    Badge: { defaultProps: { variant: "light", radius: "sm", tt: "none", fw: 600 } },
    Tooltip: { defaultProps: { openDelay: 250, withArrow: true } },
    Table: { defaultProps: { verticalSpacing: "xs", highlightOnHover: true } },
    Card: { defaultProps: { withBorder: true, padding: "md" } },
  },
});
