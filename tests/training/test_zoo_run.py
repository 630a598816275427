"""Many models in order: needs first, failures hold up only what needs them, claims are kept to."""

from birdml.training.zoo_run import Outcome, run_zoo

NEEDS = {"teacher": (), "student": ("teacher",), "grandchild": ("student",), "other": ()}


class Notebook:
    """A ledger that other processes can write into, at their next `look`."""

    def __init__(self, others=()):
        self.done, self.given_up, self.taken, self.looks = set(), {}, set(), 0
        self.others = list(others)  # what others do, one thing at each look round

    def finished(self, name):
        return name in self.done

    def failed(self, name):
        return self.given_up.get(name, "")

    def claim(self, name):
        self.looks += 1
        if name in self.taken:
            if self.others:
                self.others.pop(0)(self)
            return None
        return f"claim on {name}"


def run(names, ledger, failing=(), lost=()):
    trained, lost = [], list(lost)

    def train_one(name, claim):
        assert claim == f"claim on {name}"
        trained.append(name)
        if name in failing:
            raise RuntimeError("it\nbroke")
        if name in lost:
            lost.remove(name)
            return False
        ledger.done.add(name)
        return True

    reports = {}
    outcomes = run_zoo(names, NEEDS, ledger, train_one, reports.__setitem__, poll=0)
    assert outcomes == reports
    return trained, {name: outcome.state for name, outcome in outcomes.items()}, outcomes


def test_models_are_trained_in_order_and_none_that_is_there():
    ledger = Notebook()
    ledger.done.add("other")
    trained, states, _ = run(list(NEEDS), ledger)
    assert trained == ["teacher", "student", "grandchild"]
    assert states == dict.fromkeys(trained, "finished") | {"other": "there"}


def test_a_failure_blocks_what_needs_it_and_the_rest_goes_on():
    trained, states, outcomes = run(list(NEEDS), Notebook(), failing=["teacher"])
    assert trained == ["teacher", "other"]
    assert states == {
        "teacher": "failed",
        "student": "blocked",
        "grandchild": "blocked",
        "other": "finished",
    }
    assert outcomes["teacher"].reason == "it broke"
    assert outcomes["student"] == Outcome("blocked", "needs teacher")
    assert outcomes["grandchild"].reason == "needs student"


def test_what_another_process_has_claimed_is_left_to_it_until_it_is_done():
    ledger = Notebook([lambda book: None, lambda book: book.done.add("teacher")])
    ledger.taken.add("teacher")
    trained, states, _ = run(list(NEEDS), ledger)
    assert trained == ["other", "student", "grandchild"]
    assert states["teacher"] == "there"


def test_what_another_process_leaves_behind_is_taken_over():
    ledger = Notebook([lambda book: None, lambda book: book.taken.clear()])
    ledger.taken.add("teacher")
    trained, states, _ = run(list(NEEDS), ledger)
    assert trained == ["other", "teacher", "student", "grandchild"]
    assert set(states.values()) == {"finished"}


def test_what_failed_in_another_process_is_not_tried_again():
    def give_up(book):
        book.given_up["teacher"] = "failed in another process"

    ledger = Notebook([give_up])
    ledger.taken.add("teacher")
    trained, states, _ = run(list(NEEDS), ledger)
    assert trained == ["other"]
    assert (states["teacher"], states["student"]) == ("failed", "blocked")


def test_a_model_that_was_taken_from_us_is_asked_for_again():
    trained, states, _ = run(["teacher", "student"], Notebook(), lost=["teacher"])
    assert trained == ["teacher", "teacher", "student"]
    assert set(states.values()) == {"finished"}
