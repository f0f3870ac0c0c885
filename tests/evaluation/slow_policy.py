"""A policy for tests that notes which episodes it begins, and takes its time."""

import os
import time

from tool_gym.policies.scripted import RandomPolicy


class Slow(RandomPolicy):
    """A random policy that is slow, and writes the episodes it begins to the file `SLOW_POLICY_LOG`."""

    def act(self, requests):
        begun = [request.episode_id for request in requests if request.info["turn"] == 0]
        with open(os.environ["SLOW_POLICY_LOG"], "a", encoding="utf-8") as file:
            file.writelines(f"{name}\n" for name in begun)
        time.sleep(0.03)
        return super().act(requests)


class SlowGroups(Slow):
    """The same, in groups."""

    batch_sensitive = True
