"""Certificates in the browser: authorities, a request signed by hand, and what is revoked."""

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID
from playwright.sync_api import Page, expect

from tests.ui.conftest import rest
from tests.walks.running import NodeProcess


def request_of(common_name: str) -> str:
    """A signing request, PEM."""
    key = ec.generate_private_key(ec.SECP256R1())
    names = [(NameOID.COMMON_NAME, common_name), (NameOID.ORGANIZATION_NAME, "Stationmaster")]
    subject = x509.Name([x509.NameAttribute(oid, value) for oid, value in names])
    request = x509.CertificateSigningRequestBuilder().subject_name(subject).sign(key, hashes.SHA256())
    return request.public_bytes(serialization.Encoding.PEM).decode()


def test_a_request_is_signed_by_hand_and_its_certificate_revoked(page: Page, ui_node: NodeProcess) -> None:
    with rest(ui_node) as api:
        api.post("/stations", json={"id": "CERT-HAND", "password": "a password of sixteen bytes"})
    page.goto("/certificates")
    page.get_by_role("button", name="Sign a request").click()
    window = page.get_by_role("dialog")
    window.get_by_label("Station").fill("CERT-HAND")
    window.get_by_label("Signing request").fill("no request at all")
    window.get_by_role("button", name="Sign", exact=True).click()
    expect(window.get_by_role("alert")).to_be_visible()
    window.get_by_label("Signing request").fill(request_of("CERT-HAND"))
    window.get_by_role("button", name="Sign", exact=True).click()
    with page.expect_download() as kept:
        window.get_by_role("button", name="Download PEM").click()
    assert kept.value.path().read_text().startswith("-----BEGIN CERTIFICATE-----")
    window.get_by_role("button", name="Close", exact=True).last.click()
    page.get_by_role("row").filter(has_text="CERT-HAND").click()
    page.get_by_role("dialog").get_by_role("button", name="Revoke").click()
    page.get_by_role("dialog").filter(has_text="Revoke the certificate").get_by_role("button", name="Revoke").click()
    expect(page.get_by_role("row").filter(has_text="CERT-HAND").locator("[data-state=revoked]")).to_be_visible()


def test_a_root_is_rolled_over_and_the_old_one_retires(page: Page) -> None:
    page.goto("/certificates?tab=authorities")
    expect(page.get_by_role("heading", name="Ours, signing now")).to_be_visible()
    page.get_by_role("button", name="Roll over a root").click()
    page.get_by_role("menuitem", name="EC").click()
    page.get_by_role("dialog").get_by_role("button", name="Make a new root").click()
    expect(page.get_by_role("heading", name="Ours, retired")).to_be_visible()
    expect(page.get_by_role("button", name="Cross certificate")).to_be_visible()
