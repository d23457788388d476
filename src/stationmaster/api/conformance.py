"""The conformance kit: run against a node made for it or another system, watched, its report fetched.

A run is in a process beside the node. Against "self" it tests a fresh node of the same program and version,
with a database of its own that is removed afterwards: nothing of this node's stations is touched.
"""

from functools import partial
from typing import Annotated, Any, Literal

from fastapi import APIRouter, Depends, Query, Response
from pydantic import Field, model_validator

from stationmaster.api.access import Principal, may
from stationmaster.api.context import ApiContext, Context
from stationmaster.api.documents import PROBLEMS
from stationmaster.api.files import Uuid
from stationmaster.api.listing import LISTED, WantedFormat, listing
from stationmaster.api.values import Body, Filters, Listed, Moment, Text, View
from stationmaster.domain.conformance import ConformanceRun, RunState, Verdict
from stationmaster.services.conformance import OtherSystem

router = APIRouter(tags=["Conformance"], responses=PROBLEMS)

Runner = Annotated[Principal, Depends(may("conformance:run"))]

MOST_CASES = 200
PEM_LIMIT = 20_000
INERT = (
    "default-src 'none'; style-src 'unsafe-inline'; base-uri 'none'; form-action 'none'; sandbox; "
    "frame-ancestors 'self'"
)
"""What a report may do: be looked at. Words of another system stand in it."""


class KnownCaseView(View):
    """A case of the kit."""

    number: str = Field(description="As in `TC_001`.")
    title: str
    functionality: str
    operator: bool = Field(description="Whether somebody must press a button at the system; a driver does.")


class KitView(View):
    """What can be run."""

    cases: list[KnownCaseView]
    functionalities: list[str] = Field(description="In the order of the report's first page.")
    targets: list[str] = Field(
        description="Hosts of other systems that may be tested: the setting conformance.targets. Empty: none."
    )


class ConformanceRunView(View):
    """A run of the kit."""

    id: str
    state: RunState
    target: Literal["self", "other"]
    driver: Literal["rest", "manual"]
    url: str | None = Field(description="Where the kit's stations connect; null for a fresh node.")
    product: str | None = Field(description="What the system says it is, once it was asked.")
    version: str | None
    detail: str | None = Field(description="Why it ended before its time.")
    prompt_waits: bool = Field(description="Whether a person must say that they have done what `prompt` asks for.")
    passed: int
    failed: int
    not_run: int
    total: int
    has_report: bool
    node_id: str = Field(description="The node beside which it runs.")
    created_by: str
    created_at: Moment
    finished_at: Moment | None


class CaseView(View):
    """What became of a case."""

    number: str
    title: str
    functionality: str
    verdict: Verdict
    reason: str | None
    seconds: float | None


class ConformanceProgressView(ConformanceRunView):
    """A run and its cases."""

    prompt: str | None = Field(description="What a person is to do now at the system under test (driver `manual`).")
    cases: list[CaseView]


class TlsBody(Body):
    """The TLS listener of another system, for security profiles 2 and 3. PEM texts."""

    url: str = Field(max_length=2000)
    ca: str = Field(max_length=PEM_LIMIT, description="Roots by which it is trusted.")
    client_certificate: str | None = Field(default=None, max_length=PEM_LIMIT)
    client_private_key: str | None = Field(default=None, max_length=PEM_LIMIT)


class LabBody(Body):
    """What kit and system agree on; what is left out is as the kit has it."""

    identity: Text | None = Field(default=None, min_length=1, max_length=48)
    password: str | None = Field(default=None, min_length=16, max_length=40)
    connector_id: int | None = Field(default=None, ge=1, le=100)
    connectors: int | None = Field(default=None, ge=1, le=100)
    valid_id_tag: Text | None = Field(default=None, min_length=1, max_length=20)
    second_id_tag: Text | None = Field(default=None, min_length=1, max_length=20)
    parent_id_tag: Text | None = Field(default=None, min_length=1, max_length=20)
    invalid_id_tag: Text | None = Field(default=None, min_length=1, max_length=20)
    expired_id_tag: Text | None = Field(default=None, min_length=1, max_length=20)
    blocked_id_tag: Text | None = Field(default=None, min_length=1, max_length=20)


class TargetBody(Body):
    """What is tested."""

    kind: Literal["self", "other"] = "self"
    url: str | None = Field(default=None, max_length=2000, description="Where stations connect to the other system.")
    driver: Literal["rest", "manual"] = Field(
        default="manual", description="`rest`: another Stationmaster, by its API. `manual`: you press the buttons."
    )
    api_url: str | None = Field(default=None, max_length=2000, description="Driver `rest`: where its API listens.")
    api_key: str | None = Field(default=None, max_length=500, description="Driver `rest`: never stored.")
    product: Text | None = Field(default=None, description="Driver `manual`: for the report.")
    version: Text | None = None
    tls: TlsBody | None = None
    settings: LabBody = LabBody()

    @model_validator(mode="after")
    def _whole(self) -> "TargetBody":
        if self.kind == "other" and self.url is None:
            raise ValueError("another system needs a url")
        return self

    def other(self) -> OtherSystem | None:
        """The other system, if it is one."""
        if self.kind == "self" or self.url is None:
            return None
        tls = self.tls
        return OtherSystem(
            url=self.url,
            driver=self.driver,
            api_url=self.api_url,
            api_key=self.api_key,
            product=self.product,
            version=self.version,
            tls=None
            if tls is None
            else {
                "url": tls.url,
                "ca": tls.ca,
                "client_certificate": tls.client_certificate,
                "client_key": tls.client_private_key,
            },
            settings=self.settings.model_dump(exclude_none=True),
        )


class NewRunBody(Body):
    """A run to begin. Without `cases` and `functionalities`, all cases."""

    target: TargetBody = TargetBody()
    cases: list[Text] = Field(default=[], max_length=MOST_CASES, description="Such as `TC_001`.")
    functionalities: list[Text] = Field(default=[], max_length=20)


class RunFilters(Filters):
    """What runs can be narrowed by."""

    state: RunState | None = None


@router.get("/conformance-kit")
async def read_kit(_principal: Runner, context: Context) -> KitView:
    """The cases that can be run, and against whom."""
    laboratory = context.services.conformance.laboratory
    return KitView(
        cases=[KnownCaseView.model_validate(case) for case in laboratory.cases],
        functionalities=list(laboratory.functionalities),
        targets=list(laboratory.targets),
    )


@router.get("/conformance-runs", response_model=Listed[ConformanceRunView], responses=LISTED)
async def list_runs(
    principal: Runner, context: Context, wanted: WantedFormat, filters: Annotated[RunFilters, Query()]
) -> Any:
    """Runs, the newest first."""
    find = partial(context.storage.conformance_runs.find, principal.organisation_id, **filters.wanted())
    return await listing(filters, wanted, find, ConformanceRunView.model_validate, "conformance-runs")


@router.post("/conformance-runs", status_code=201)
async def begin_run(
    body: NewRunBody, principal: Runner, context: Context, response: Response
) -> ConformanceProgressView:
    """Begin a run; one goes on at a node at a time. It is followed by reading it, or by the events `conformance.`."""
    principal.require_whole_organisation()
    run = await context.services.conformance.begin(
        principal.organisation_id,
        principal.actor,
        numbers=body.cases,
        functionalities=body.functionalities,
        other=body.target.other(),
    )
    response.headers["Location"] = f"/api/v1/conformance-runs/{run.id}"
    return await _with_cases(context, run)


@router.get("/conformance-runs/{run_id}")
async def read_run(run_id: Uuid, principal: Runner, context: Context) -> ConformanceProgressView:
    """A run and how far it has come, case by case."""
    return await _with_cases(context, await context.services.conformance.get(principal.organisation_id, run_id))


@router.post("/conformance-runs/{run_id}/cancel", status_code=202)
async def cancel_run(run_id: Uuid, principal: Runner, context: Context) -> ConformanceRunView:
    """End a run before its time. It has ended when its state says so; there is no report of it."""
    principal.require_whole_organisation()
    return ConformanceRunView.model_validate(
        await context.services.conformance.cancel(principal.organisation_id, run_id)
    )


@router.post("/conformance-runs/{run_id}/proceed", status_code=202)
async def proceed_with_run(run_id: Uuid, principal: Runner, context: Context) -> ConformanceRunView:
    """Say that what `prompt` asked for is done."""
    principal.require_whole_organisation()
    return ConformanceRunView.model_validate(
        await context.services.conformance.proceed(principal.organisation_id, run_id)
    )


@router.delete("/conformance-runs/{run_id}", status_code=204)
async def delete_run(run_id: Uuid, principal: Runner, context: Context) -> None:
    """Forget a run that has ended, with its report."""
    principal.require_whole_organisation()
    await context.services.conformance.delete(principal.organisation_id, run_id)


@router.get(
    "/conformance-runs/{run_id}/report.html",
    response_class=Response,
    responses={200: {"description": "The page.", "content": {"text/html": {"schema": {"type": "string"}}}}},
)
async def read_report_page(run_id: Uuid, principal: Runner, context: Context) -> Response:
    """The report as a page that can be printed. It runs nothing and loads nothing."""
    runs = context.services.conformance
    page = runs.laboratory.as_html(await runs.report(principal.organisation_id, run_id))
    headers = {"Content-Security-Policy": INERT, "X-Content-Type-Options": "nosniff"}
    return Response(page, media_type="text/html", headers=headers)


@router.get("/conformance-runs/{run_id}/report.json")
async def read_report(run_id: Uuid, principal: Runner, context: Context, response: Response) -> dict[str, Any]:
    """The report as data."""
    response.headers["Content-Disposition"] = f'attachment; filename="conformance-{run_id}.json"'
    return await context.services.conformance.report(principal.organisation_id, run_id)


@router.get(
    "/conformance-runs/{run_id}/junit.xml",
    response_class=Response,
    responses={200: {"description": "The suite.", "content": {"application/xml": {"schema": {"type": "string"}}}}},
)
async def read_report_for_build_servers(run_id: Uuid, principal: Runner, context: Context) -> Response:
    """The report as JUnit XML."""
    runs = context.services.conformance
    text = runs.laboratory.as_junit(await runs.report(principal.organisation_id, run_id))
    headers = {"Content-Disposition": f'attachment; filename="conformance-{run_id}.xml"'}
    return Response(text, media_type="application/xml", headers=headers)


async def _with_cases(context: ApiContext, run: ConformanceRun) -> ConformanceProgressView:
    cases = await context.storage.conformance_runs.cases(run.id)
    told = ConformanceRunView.model_validate(run).model_dump()
    return ConformanceProgressView.model_validate(told | {"prompt": run.prompt, "cases": cases})
