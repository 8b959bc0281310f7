"""Who may be under way at a time."""

import asyncio
from random import Random

import pytest

from cds_service.operations.errors import RequestError
from cds_service.operations.gates import Gate, Turns


def test_one_too_many_is_refused_at_once_and_told_when_to_come_again():
    gate = Gate(2)
    with gate.pass_(), gate.pass_():
        assert gate.inside == 2
        for _ in range(3):
            with pytest.raises(RequestError) as fault, gate.pass_():
                pass
            assert (fault.value.status, fault.value.code) == (429, "throttled")
            assert int(fault.value.headers["retry-after"]) > 0
    assert gate.inside == 0
    with gate.pass_():
        assert gate.inside == 1


def test_the_gate_of_the_whole_service_says_that_it_is_the_service():
    gate = Gate(1, of_service=True)
    with gate.pass_(), pytest.raises(RequestError) as fault, gate.pass_():
        pass
    assert (fault.value.status, fault.value.code) == (503, "transient")
    assert int(fault.value.headers["retry-after"]) > 0


@pytest.mark.parametrize("error", [RequestError(400, "structure", "x"), asyncio.CancelledError(), RecursionError()])
def test_room_is_made_however_a_request_ends(error):
    gate = Gate(1)
    for _ in range(3):
        with pytest.raises(type(error)), gate.pass_():
            raise error
    assert gate.inside == 0


def test_who_is_owed_a_place_gets_it_where_there_is_no_room_and_is_counted():
    gate = Gate(1, of_service=True)
    with gate.pass_(), gate.pass_(owed=True):
        assert (gate.inside, gate.most) == (2, 1)
        with pytest.raises(RequestError), gate.pass_():
            pass
    assert gate.inside == 0


class Service:
    """A service of one thread whose clock ticks with each piece of work; a gate per tenant."""

    def __init__(self, most):
        self.gates = {"loud": Gate(most), "quiet": Gate(most)}
        self.clock = 0
        self.refused = 0
        self.random = Random(1)  # noqa: S311  the same each time

    async def pause(self):
        for _ in range(self.random.randint(1, 3)):
            await asyncio.sleep(0)

    async def ask(self, tenant):
        """How many pieces of work were done from the arrival of the request to its answer."""
        arrived = self.clock
        try:
            with self.gates[tenant].pass_():
                await self.pause()  # until the body has come
                self.clock += 1
        except RequestError:
            self.refused += 1
        return self.clock - arrived


def longest_wait_of_the_quiet(callers, most):
    """What the quiet tenant waits while so many callers of the loud one ask on and on; and how many were refused."""

    async def play():
        service = Service(most)

        async def loud():
            while True:
                await service.ask("loud")
                await service.pause()

        crowd = [asyncio.create_task(loud()) for _ in range(callers)]
        waits = []
        for _ in range(200):
            waits.append(await service.ask("quiet"))
            await service.pause()
        for task in crowd:
            task.cancel()
        await asyncio.gather(*crowd, return_exceptions=True)
        return max(waits), service.refused

    return asyncio.run(play())


def test_a_tenant_at_ten_times_its_limit_makes_another_wait_no_longer_than_its_limit_is():
    most = 4
    _, refused_at_limit = longest_wait_of_the_quiet(most, most)
    ten_times, refused = longest_wait_of_the_quiet(10 * most, most)
    hundred_times, _ = longest_wait_of_the_quiet(100 * most, most)
    without_gate, _ = longest_wait_of_the_quiet(10 * most, 1000)
    assert refused_at_limit == 0
    assert refused > 1000
    in_three_rounds = 3 * most + 1
    assert max(ten_times, hundred_times) <= in_three_rounds
    assert without_gate > 2 * in_three_rounds


def test_between_two_requests_of_one_tenant_others_are_heard():
    async def play():
        loud, quiet, done = Turns(), Turns(), []

        async def ask(turns, name):
            await turns.mine()
            done.append(name)

        crowd = [asyncio.create_task(ask(loud, "loud")) for _ in range(60)]
        for _ in range(100):  # until it has been accepted behind others, and has sent its headers and its body
            await asyncio.sleep(0)
        await ask(quiet, "quiet")
        await asyncio.gather(*crowd)
        return done

    done = asyncio.run(play())
    assert len(done) == 61
    assert done.index("quiet") < 6
