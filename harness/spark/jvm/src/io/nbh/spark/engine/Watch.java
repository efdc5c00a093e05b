package io.nbh.spark.engine;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Optional;
import java.util.Properties;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.TimeUnit;
import sun.misc.Signal;

/** Decides when the engine ends: it was told to, nobody used it for long, its run is over, or its record names another. */
final class Watch {
  private static final long PERIOD_MS = 1000;

  private final Path record;
  private final String us = "\"pid\": " + ProcessHandle.current().pid() + ",";
  private final long idleNs;
  private final Optional<ProcessHandle> owner;
  private final boolean isOwned;
  private final CountDownLatch told = new CountDownLatch(1);
  private String reason = "";
  // The monotonic clock: a laptop that slept, or a clock that was set, is no reason to end in the middle of a test.
  private long lastUse = System.nanoTime();

  Watch(Path folder, Properties settings) {
    record = folder.resolve("record.json");
    idleNs = TimeUnit.MILLISECONDS.toNanos(Long.parseLong(settings.getProperty("nbh.idle_ms", "1800000")));
    String pid = settings.getProperty("nbh.owner", "");
    isOwned = !pid.isEmpty();
    owner = isOwned ? ProcessHandle.of(Long.parseLong(pid)) : Optional.empty();
    // Left to itself Java would end at once, with the files of all sessions still there.
    Signal.handle(new Signal("TERM"), signal -> told.countDown());
  }

  String reason() {
    return reason;
  }

  void untilNobodyNeedsUs() throws InterruptedException {
    while (reason.isEmpty()) {
      if (told.await(PERIOD_MS, TimeUnit.MILLISECONDS)) {
        reason = "it was told to";
        return;
      }
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
