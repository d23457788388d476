import { TransactionTable } from "../transactions/TransactionTable";
import type { Station } from "./StationPage";

export function TransactionsTab({ station }: { station: Station }) {
  return <TransactionTable stationId={station.id} />;
}
