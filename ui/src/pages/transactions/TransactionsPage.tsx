import { useTranslation } from "react-i18next";
import { Page } from "../../components/Page";
import { TransactionTable } from "./TransactionTable";

export default function TransactionsPage() {
  const { t } = useTranslation();
  return (
    <Page title={t("nav.transactions")} lead={t("transaction.lead")}>
      <TransactionTable />
    </Page>
  );
}
