package io.nbh.spark.engine;

import java.lang.reflect.Field;
import java.util.function.UnaryOperator;
import sun.misc.Unsafe;

/** Puts something else into a field of Spark's that no setting reaches. */
final class Finals {
  private Finals() {}

  /**
   * Exchanges what a Scala object keeps in a static final field; the object as argument has it initialised, which would overwrite it.
   *
   * <p>Where Java or another Spark doesn't allow it, it stays as it was.
   */
  @SuppressWarnings({"deprecation", "unchecked"}) // there is no other way to a static final field
  static <T> void set(Object module, String name, UnaryOperator<T> change) {
    try {
      Field own = Unsafe.class.getDeclaredField("theUnsafe");
      own.setAccessible(true);
      Unsafe unsafe = (Unsafe) own.get(null);
      Field field = module.getClass().getDeclaredField(name);
      Object base = unsafe.staticFieldBase(field);
      long offset = unsafe.staticFieldOffset(field);
      unsafe.putObject(base, offset, change.apply((T) unsafe.getObject(base, offset)));
    } catch (ReflectiveOperationException | RuntimeException | LinkageError refused) {
      System.err.println(module.getClass().getName() + "." + name + " stays as it is: " + refused);
    }
  }
}
