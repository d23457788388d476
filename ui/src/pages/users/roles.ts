import { useTranslation } from "react-i18next";

const ROLES = ["viewer", "operator", "security_admin", "admin"] as const;

/** The roles by name, for choices. */
export function useRoles(): { value: string; label: string }[] {
  const { t } = useTranslation();
  return ROLES.map((value) => ({ value, label: t(`role.${value}`) }));
}
