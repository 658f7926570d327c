"""The settings on the page: every one of them acts, and is kept by the browser."""

from collections.abc import Callable

from playwright.sync_api import Locator, Page, expect

from tests.ui.studio_page import Served, StudioPage

OpenTab = Callable[..., StudioPage]
DARK = "document.body.classList.contains('dark')"


def section(page: Page, title: str) -> Locator:
    return page.locator("#settings").get_by_role("region", name=title, exact=True)


def is_dark(page: Page) -> bool:
    return bool(page.evaluate(DARK))


def test_the_theme_is_chosen_and_kept_over_a_reload(open_page: OpenTab) -> None:
    tab = open_page("settings")
    theme = section(tab.page, "Appearance")
    expect(theme.get_by_label("As the system")).to_be_checked()
    assert not is_dark(tab.page)

    theme.get_by_label("Dark").check()
    assert is_dark(tab.page)
    tab.page.reload()
    tab.show("settings")

    assert is_dark(tab.page)
    expect(theme.get_by_label("Dark")).to_be_checked()
    tab.page.get_by_role("button", name="Switch between dark and light").click()
    expect(theme.get_by_label("Light")).to_be_checked()


def test_the_theme_follows_the_system_if_that_is_wanted(open_page: OpenTab) -> None:
    tab = open_page("settings")
    theme = section(tab.page, "Appearance")
    theme.get_by_label("Light").check()
    tab.page.emulate_media(color_scheme="dark")
    assert not is_dark(tab.page)

    theme.get_by_label("As the system").check()
    assert is_dark(tab.page)
    tab.page.emulate_media(color_scheme="light")
    tab.page.wait_for_function(f"!{DARK}")
    tab.page.reload()

    assert not is_dark(tab.page)
    tab.show("settings")
    expect(theme.get_by_label("As the system")).to_be_checked()


def test_sound_and_notifications_are_switched_and_kept(open_page: OpenTab) -> None:
    tab = open_page("settings")
    tab.context.grant_permissions(["notifications"])
    wishes = section(tab.page, "When a job ends or fails")

    for name in ("Play a sound", "Show a notification"):
        wishes.get_by_label(name).check()
    tab.page.reload()
    tab.show("settings")

    for name in ("Play a sound", "Show a notification"):
        expect(wishes.get_by_label(name)).to_be_checked()
        wishes.get_by_label(name).uncheck()
        expect(wishes.get_by_label(name)).not_to_be_checked()


def test_a_refused_notification_is_told_and_stays_off(open_page: OpenTab) -> None:
    tab = open_page("settings")
    tab.context.clear_permissions()

    tab.page.get_by_label("Show a notification").click()

    expect(tab.page.get_by_text("The browser does not allow notifications")).to_be_visible()
    expect(tab.page.get_by_label("Show a notification")).not_to_be_checked()


def test_files_tell_where_they_are_and_lead_to_the_clean_up(served: Served, open_page: OpenTab) -> None:
    tab = open_page("settings")
    files = section(tab.page, "Files and disk")

    expect(files).to_contain_text("outputs/images")
    expect(files).to_contain_text("free on the disk")
    assert str(served.studio.settings.outputs) not in (files.text_content() or "")
    files.get_by_role("button", name="Clean up in History").click()

    expect(tab.page.locator('#tabs button[data-tab-id="history"]').first).to_have_attribute(
        "aria-selected", "true"
    )


def test_the_command_of_the_api_is_copied_and_works(served: Served, open_page: OpenTab) -> None:
    tab = open_page("settings")
    api = section(tab.page, "API")

    api.get_by_role("button", name="Copy the command").click()

    expect(tab.page.get_by_text("The command is in the clipboard.")).to_be_visible()
    command = tab.page.evaluate("navigator.clipboard.readText()")
    assert command == api.locator("pre").text_content()
    assert f"{served.base}api/generate" in command
    assert tab.page.request.get(served.base + "api/docs").ok
    expect(api.get_by_role("link", name="Documentation of the API")).to_have_attribute("href", "api/docs")
