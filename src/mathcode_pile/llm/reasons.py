"""Why a model gave no reply to a prompt: drop reasons of every stage that asks models."""

from mathcode_pile.core.funnel import DropReason


class NoReply(DropReason):
    """Why a model gave no reply to a prompt, after all attempts."""

    HTTP_ERROR = "http_error", "The server answered with an error status, which the detail names."
    REFUSED_BY_SERVER = "refused_by_server", "The server refused the prompt; the detail has its status and message."
    SERVER_TIMEOUT = "server_timeout", "The server did not answer within the model's timeout_s."
    NO_CONNECTION = "no_connection", "No connection to the server could be made."
    BROKEN_CONNECTION = "broken_connection", "The connection to the server broke before the answer was complete."
    GARBLED_ANSWER = "garbled_answer", "The server's answer was not a completion as OpenAI's protocol has it."
    EMPTY_ANSWER = "empty_answer", "The server's answer was a completion without text."
    NOT_RECORDED = (
        "not_recorded",
        "The model's replies were recorded before, and the text is not among them: it was added or changed since. "
        "`make serve-model` and then `make record-replies` ask the model about it.",
    )
