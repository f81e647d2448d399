"""The ChatGPT model catalogue lists what the version of a client may see, under one tag."""

from __future__ import annotations

import httpx
from emulator_clients.chatgpt import headers, post, serving
from responses_emulator import CatalogueEntry, Emulator, SignInService, strict_catalogue


class TestCatalogue:
    def listed(self, emulator: Emulator, who: dict[str, str], query: str = "?client_version=1.0.0") -> httpx.Response:
        return httpx.get(f"{emulator.base_url}/models{query}", headers=who)

    def test_the_catalogue_has_the_fields_of_the_service(self, sign_in: SignInService, emulator: Emulator) -> None:
        models = {each["slug"]: each for each in self.listed(emulator, headers(sign_in)).json()["models"]}
        sol = models["gpt-5.6-sol"]
        assert (sol["visibility"], sol["context_window"], sol["effective_context_window_percent"]) == (
            "list",
            272_000,
            95,
        )
        efforts = [level["effort"] for level in sol["supported_reasoning_levels"]]
        assert efforts == ["low", "medium", "high", "xhigh", "max", "ultra"]
        assert (sol["default_reasoning_level"], sol["default_verbosity"]) == ("low", "low")
        assert models["gpt-6.1-terra"]["context_window"] == 500_000
        assert sol["service_tiers"][0]["id"] == "priority"
        assert models["gpt-5.3-codex-spark"]["supported_in_api"] is False
        assert models["gpt-5.3-codex-spark"]["input_modalities"] == ["text"]
        assert models["gpt-5.3-codex-spark"]["minimal_client_version"] == [0, 98, 0]
        assert models["codex-auto-review"]["visibility"] == "hide"
        assert models["gpt-reserve"]["context_window"] is None
        first = min((each for each in models.values() if each["visibility"] == "list"), key=lambda m: m["priority"])
        assert first["slug"] == "gpt-6.1-sol"

    def test_the_catalogue_hides_new_models_from_old_clients(self, sign_in: SignInService, emulator: Emulator) -> None:
        who = headers(sign_in)

        def slugs(query: str) -> set[str]:
            return {each["slug"] for each in self.listed(emulator, who, query).json()["models"]}

        assert "gpt-6.1-sol" in slugs("?client_version=99.99.99")
        assert "gpt-6-astra" in slugs("?client_version=0.153.0") - slugs("?client_version=0.152.9")
        assert "gpt-5.5" in slugs("?client_version=0.100.0")
        assert slugs("") == slugs("?client_version=nonsense") == set()

    def test_the_catalogue_has_a_tag_that_changes_with_it(self, sign_in: SignInService) -> None:
        catalogue = strict_catalogue()
        with serving(sign_in, catalogue=catalogue) as emulator:
            who = headers(sign_in)
            tag = self.listed(emulator, who).headers["etag"]
            same = self.listed(emulator, {**who, "if-none-match": tag})
            assert (same.status_code, same.content, same.headers["etag"]) == (304, b"", tag)
            catalogue.entries = (*catalogue.entries, CatalogueEntry(slug="gpt-7-sol"))
            changed = self.listed(emulator, {**who, "if-none-match": tag})
            assert changed.status_code == 200
            assert "gpt-7-sol" in [each["slug"] for each in changed.json()["models"]]
            assert post(emulator, who, model="gpt-7-sol").headers["x-models-etag"] == changed.headers["etag"] != tag

    def test_the_catalogue_has_no_address_for_one_model(self, sign_in: SignInService, emulator: Emulator) -> None:
        assert httpx.get(f"{emulator.base_url}/models/gpt-5.5", headers=headers(sign_in)).status_code == 404
