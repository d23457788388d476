/** English and German; the catalogues are plain JSON, only the one that is read is fetched, and a test finds what one lacks. */
import i18next from "i18next";
import { initReactI18next } from "react-i18next";

export const LANGUAGES = { en: "English", de: "Deutsch" } as const;
export type Language = keyof typeof LANGUAGES;

const STORED = "stationmaster.language";
const CATALOGUES: Record<Language, () => Promise<{ default: object }>> = { en: () => import("./en.json"), de: () => import("./de.json") };

function preferred(): Language {
  const stored = localStorage.getItem(STORED);
  if (stored === "en" || stored === "de") return stored;
  return navigator.language.startsWith("de") ? "de" : "en";
}

async function fetched(language: Language): Promise<object> {
  return (await CATALOGUES[language]()).default;
}

/** Done when there are words to show. */
export async function startLanguage(): Promise<void> {
  const language = preferred();
  await i18next.use(initReactI18next).init({
    resources: { [language]: { translation: await fetched(language) } },
    lng: language,
    // React escapes what is shown; escaping twice would show "&amp;".
    interpolation: { escapeValue: false },
    returnNull: false,
  });
  document.documentElement.lang = language;
}

export async function setLanguage(language: Language): Promise<void> {
  if (!i18next.hasResourceBundle(language, "translation")) i18next.addResourceBundle(language, "translation", await fetched(language));
  localStorage.setItem(STORED, language);
  document.documentElement.lang = language;
  await i18next.changeLanguage(language);
}
