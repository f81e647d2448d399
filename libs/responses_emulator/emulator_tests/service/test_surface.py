"""A surface can be changed into that of another server."""

from __future__ import annotations

from dataclasses import replace

from emulator_clients.responses import error_object, post_response, stream_events
from responses_emulator import Emulator, NoTerminalOutput, ResponseFields, Say, Think, Turn, openai_surface


def test_a_surface_can_serve_any_model_with_other_fields() -> None:
    usual = openai_surface(any_model=True)
    own = replace(usual, turn_parts=(NoTerminalOutput(), ResponseFields({"content_filters": []})))
    with Emulator(surfaces=(own,)) as emulator:
        last = stream_events(emulator, model="llama-9", temperature=0.3)[-1]["response"]
        assert (last["model"], last["output"], last["content_filters"]) == ("llama-9", [], [])


def test_a_template_may_skip_a_role() -> None:
    surface = openai_surface(any_model=True, template_roles=frozenset({"system", "user", "assistant"}))
    with Emulator(surfaces=(surface,), responder=lambda context: [Say(str(context.items))]) as emulator:
        messages = [{"role": role, "content": f"I am {role}."} for role in ("developer", "system", "user")]
        text = post_response(emulator, model="m", input=messages).text
        assert "I am system." in text
        assert "I am developer." not in text


def test_a_gateway_may_have_models_that_read_neither_images_nor_each_other() -> None:
    surface = openai_surface(any_model=True, vision=False, shares_ciphertext=False)
    with Emulator(surfaces=(surface,)) as emulator:
        emulator.script(Turn(Think(["Hm."]), Say("Hello.")))
        first = post_response(emulator, model="one", include=["reasoning.encrypted_content"], store=False).json()
        history = [*first["output"], {"role": "user", "content": "more"}]
        assert post_response(emulator, model="one", input=history).status_code == 200
        assert error_object(post_response(emulator, model="two", input=history))["message"].startswith("Encrypted")
        seen = {"role": "user", "content": [{"type": "input_image", "image_url": "https://example.com/a.png"}]}
        assert post_response(emulator, model="one", input=[seen]).status_code == 500
