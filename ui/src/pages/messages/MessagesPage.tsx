import { useTranslation } from "react-i18next";
import { Page } from "../../components/Page";
import { MessageLog } from "./MessageLog";

export default function MessagesPage() {
  const { t } = useTranslation();
  return (
    <Page title={t("nav.messages")} lead={t("message.lead")}>
      <MessageLog />
    </Page>
  );
}
