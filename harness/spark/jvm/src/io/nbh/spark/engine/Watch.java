package io.nbh.spark.engine;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Optional;
import java.util.Properties;
import java.util.concurrent.TimeUnit;

/** Decides when the engine ends: nobody used it for long, the run that owns it is over, or its record names another. */
final class Watch {
  private static final long PERIOD_MS = 1000;

  private final Path record;
  private final String us = "\"pid\": " + ProcessHandle.current().pid() + ",";
  private final long idleNs;
  private final Optional<ProcessHandle> owner;
  private final boolean isOwned;
  private String reason = "";
  // The monotonic clock: a laptop that slept, or a clock that was set, is no reason to end in the middle of a test.
  private long lastUse = System.nanoTime();

  Watch(Path folder, Properties settings) {
    record = folder.resolve("record.json");
    idleNs = TimeUnit.MILLISECONDS.toNanos(Long.parseLong(settings.getProperty("nbh.idle_ms", "1800000")));
    String pid = settings.getProperty("nbh.owner", "");
    isOwned = !pid.isEmpty();
    owner = isOwned ? ProcessHandle.of(Long.parseLong(pid)) : Optional.empty();
  }

  String reason() {
    return reason;
  }

  void untilNobodyNeedsUs() throws InterruptedException {
    while (reason.isEmpty()) {
      Thread.sleep(PERIOD_MS);
      if (Sessions.sweep()) {
        lastUse = System.nanoTime();
      }
      if (isOwned && !owner.map(ProcessHandle::isAlive).orElse(false)) {
        reason = "the run that this engine was started for is over";
      } else if (System.nanoTime() - lastUse > idleNs) {
        reason = "nobody used it for " + TimeUnit.NANOSECONDS.toMinutes(idleNs) + " minutes";
      } else if (!isRecorded()) {
        reason = "its record is gone or names another engine";
      }
    }
  }

  private boolean isRecorded() {
    try {
      return Files.readString(record).contains(us);
    } catch (IOException missing) {
      return false;
    }
  }
}
