import {
  convertCssVariables,
  createTheme,
  DEFAULT_THEME,
  defaultCssVariablesResolver,
  mergeMantineTheme,
  Portal,
} from "@mantine/core";
import kit from "@mantine/core/styles.css?inline";
import own from "./styles.css?inline";

/** The element below the root that carries the colour scheme and the kit's variables. */
export const ROOT_CLASS = "cairn-app";

/**
 * The kit's theme. `scale` undoes a font size of the page's root that is not the browser's usual 16 px
 * (Bootstrap 3, in Horizon, makes it 10): the kit counts in rem. Shades are those whose contrast is enough.
 */
export function themeFor(overlay: HTMLElement, rootFontPx: number) {
  return createTheme({
    scale: 16 / rootFontPx,
    primaryColor: "blue",
    primaryShade: { light: 8, dark: 8 },
    fontFamily: FONT,
    headings: { fontFamily: FONT, fontWeight: "600" },
    defaultRadius: "md",
    cursorType: "pointer",
    respectReducedMotion: true,
    components: {
      Portal: Portal.extend({ defaultProps: { target: overlay, reuseTargetNode: false } }),
    },
  });
}

const FONT = "system-ui, -apple-system, 'Segoe UI', Roboto, 'Liberation Sans', sans-serif";

/**
 * The sheets of the root: they are made by script and stand in no element, so that neither the page's styles
 * reach in, nor ours out, nor a policy against inline styles stops them.
 */
export function styleSheets(theme: ReturnType<typeof themeFor>): CSSStyleSheet[] {
  const variables = defaultCssVariablesResolver(mergeMantineTheme(DEFAULT_THEME, theme));
  return [kit, convertCssVariables(variables, `.${ROOT_CLASS}`), own].map((text) => {
    const sheet = new CSSStyleSheet();
    sheet.replaceSync(text);
    return sheet;
  });
}
