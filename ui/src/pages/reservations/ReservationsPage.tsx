import { useTranslation } from "react-i18next";
import { Page } from "../../components/Page";
import { ReservationTable } from "./ReservationTable";

export default function ReservationsPage() {
  const { t } = useTranslation();
  return <Page title={t("nav.reservations")} lead={t("reservation.lead")}><ReservationTable /></Page>;
}
