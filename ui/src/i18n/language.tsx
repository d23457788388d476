/** The words of a table that draws hundreds: `useTranslation` prepares a translator for each of its callers, this none. */
import i18next, { type TFunction } from "i18next";
import { createContext, type ReactNode, useContext, useMemo } from "react";
import { useTranslation } from "react-i18next";

interface Words {
  t: TFunction;
  language: string;
}

const Context = createContext<Words>({ t: i18next.t, language: "en" });

export function LanguageProvider({ children }: { children: ReactNode }) {
  const { t, i18n } = useTranslation();
  const { language } = i18n;
  const words = useMemo(() => ({ t, language }), [t, language]);
  return <Context.Provider value={words}>{children}</Context.Provider>;
}

/** The translator of the page and its language, the same for everyone until another is chosen. */
export function useWords(): Words {
  return useContext(Context);
}
