/**
 * English and German; the catalogues are plain JSON, and a test finds what one lacks. Only the language that is read is
 * fetched, and of it at first only what the first page says.
 */
import i18next from "i18next";
import { initReactI18next } from "react-i18next";

export const LANGUAGES = { en: "English", de: "Deutsch" } as const;
export type Language = keyof typeof LANGUAGES;
type Part = "first" | "rest";

const STORED = "stationmaster.language";
const CATALOGUES: Record<Language, Record<Part, () => Promise<{ default: object }>>> = {
  en: { first: () => import("./en.json?first"), rest: () => import("./en.json?rest") },
  de: { first: () => import("./de.json?first"), rest: () => import("./de.json?rest") },
};
const wanted = new Set<Part>(["first"]);

function preferred(): Language {
  const stored = localStorage.getItem(STORED);
  if (stored === "en" || stored === "de") return stored;
  return navigator.language.startsWith("de") ? "de" : "en";
}

async function fetchWanted(language: Language): Promise<void> {
  const missing = [...wanted].filter((part) => !i18next.hasResourceBundle(language, part));
  await Promise.all(missing.map(async (part) => i18next.addResourceBundle(language, part, (await CATALOGUES[language][part]()).default)));
}

/** Done when there are words to show. */
export async function startLanguage(): Promise<void> {
  const language = preferred();
  const words = CATALOGUES[language].first();
  await i18next.use(initReactI18next).init({
    resources: { [language]: { first: (await words).default } },
    lng: language,
    defaultNS: "first",
    fallbackNS: "rest",
    // React escapes what is shown; escaping twice would show "&amp;".
    interpolation: { escapeValue: false },
    returnNull: false,
  });
  document.documentElement.lang = language;
}

/** Done when every page's words are there. */
export async function fetchAllWords(): Promise<void> {
  wanted.add("rest");
  await fetchWanted(i18next.language as Language);
}

export async function setLanguage(language: Language): Promise<void> {
  await fetchWanted(language);
  localStorage.setItem(STORED, language);
  document.documentElement.lang = language;
  await i18next.changeLanguage(language);
}
