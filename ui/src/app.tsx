import { Center } from "@mantine/core";
import { type ComponentType, lazy, Suspense } from "react";
import { useTranslation } from "react-i18next";
import { Route, Routes, useLocation } from "react-router";
import { Boundary } from "./components/Boundary";
import { Empty, Failure, Loading } from "./components/Feedback";
import { fetchAllWords } from "./i18n";
import { SessionProvider, useSession } from "./session";

/** Who signs in needs no menu yet, and who is signed in no form for that. */
const SignIn = lazy(() => import("./pages/session/SignIn"));
const Shell = lazy(() => import("./layout/Shell"));

/** Each page is a file of its own that is fetched when it is first opened; the name says where it lives. */
const pages = import.meta.glob<{ default: ComponentType }>("./pages/*/*Page.tsx");

/** Its words come with those of the frame. */
const FIRST_PAGE = "overview/OverviewPage";

function page(path: string): ComponentType {
  const load = pages[`./pages/${path}.tsx`];
  if (load === undefined) throw new Error(`no page ${path}`);
  return lazy(path === FIRST_PAGE ? load : async () => (await Promise.all([load(), fetchAllWords()]))[0]);
}

interface PageRoute {
  path: string;
  Element: ComponentType;
  needs: string | null;
}

const ROUTES: PageRoute[] = (
  [
    ["/", FIRST_PAGE, "stations:read"],
    ["/stations", "stations/StationsPage", "stations:read"],
    ["/stations/:stationId/*", "stations/StationPage", "stations:read"],
    ["/door", "stations/DoorPage", "stations:read"],
    ["/transactions", "transactions/TransactionsPage", "transactions:read"],
    ["/transactions/:transactionId", "transactions/TransactionPage", "transactions:read"],
    ["/tokens", "authorization/TokensPage", "tokens:read"],
    ["/reservations", "reservations/ReservationsPage", "reservations:read"],
    ["/alerts", "alerts/AlertsPage", "alerts:read"],
    ["/sites", "smart_charging/SitesPage", "sites:read"],
    ["/sites/:siteId", "smart_charging/SitePage", "sites:read"],
    ["/conformance", "conformance/ConformancePage", "conformance:run"],
    ["/conformance/:runId", "conformance/ConformanceRunPage", "conformance:run"],
    ["/charging-profiles", "smart_charging/ChargingProfilesPage", "charging_profiles:read"],
    ["/configuration", "configuration/ConfigurationPage", "configuration:read"],
    ["/firmware", "firmware/FirmwarePage", "firmware:read"],
    ["/certificates", "certificates/CertificatesPage", "certificates:read"],
    ["/users", "users/UsersPage", "users:read"],
    ["/api-keys", "users/ApiKeysPage", "api_keys:read"],
    ["/webhooks", "webhooks/WebhooksPage", "webhooks:read"],
    ["/webhooks/:webhookId", "webhooks/WebhookPage", "webhooks:read"],
    ["/account", "users/AccountPage", null],
    ["/audit", "audit/AuditPage", "audit:read"],
    ["/settings", "settings/SettingsPage", "settings:read"],
    ["/messages", "messages/MessagesPage", "messages:read"],
  ] satisfies [string, string, string | null][]
).map(([path, file, needs]) => ({ path, Element: page(file), needs }));

export function App() {
  return (
    <SessionProvider>
      <Gate />
    </SessionProvider>
  );
}

function Gate() {
  const { session, loading, error, expired } = useSession();
  const { pathname } = useLocation();
  if (loading) return <Center mih="100dvh"><Loading /></Center>;
  if (error) return <Center mih="100dvh" p="md"><Failure error={error} retry={() => window.location.reload()} /></Center>;
  if (session === null) return <Suspense fallback={<Center mih="100dvh"><Loading /></Center>}><SignIn expired={expired} /></Suspense>;
  return (
    <Suspense fallback={<Center mih="100dvh"><Loading /></Center>}>
    <Shell>
      <Boundary place={pathname}>
      <Suspense fallback={<Loading />}>
        <Routes>
          {ROUTES.map(({ path, Element, needs }) => (
            <Route key={path} path={path} element={<Allowed needs={needs}><Element /></Allowed>} />
          ))}
          <Route path="*" element={<NotFound />} />
        </Routes>
      </Suspense>
      </Boundary>
    </Shell>
    </Suspense>
  );
}

function Allowed({ needs, children }: { needs: string | null; children: React.ReactNode }) {
  const { t } = useTranslation();
  const { may } = useSession();
  if (needs !== null && !may(needs)) return <Empty title={t("problem.forbidden.title")}>{t("problem.forbidden.text")}</Empty>;
  return children;
}

function NotFound() {
  const { t } = useTranslation();
  return <Empty title={t("problem.notFound.title")}>{t("problem.notFound.text")}</Empty>;
}
