package io.nbh.spark.delta;

import java.io.IOException;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.stream.Collectors;
import org.apache.spark.connect.proto.DataType;
import org.apache.spark.connect.proto.Expression;
import org.apache.spark.connect.proto.Relation;
import org.sparkproject.connect.protobuf.Any;
import org.sparkproject.connect.protobuf.ByteString;
import org.sparkproject.connect.protobuf.CodedInputStream;
import org.sparkproject.connect.protobuf.InvalidProtocolBufferException;
import org.sparkproject.connect.protobuf.UnknownFieldSet;

/**
 * A message of Delta's own protocol, read by the numbers of its fields: the engine has no classes for it.
 *
 * <p>The numbers are those of the files {@code delta/connect/*.proto} in Delta's repository; they can't change without breaking
 * Delta's own clients.
 */
final class Wire {
  /** As deep as Spark's own server reads a plan. */
  private static final int DEPTH = 1024;

  private final UnknownFieldSet fields;

  private Wire(ByteString bytes) throws InvalidProtocolBufferException {
    fields = UnknownFieldSet.parseFrom(bytes);
  }

  /** The message in an extension of this type, or null if it is of another. */
  static Wire unpack(byte[] extension, String type) {
    try {
      Any any = Any.parseFrom(extension);
      return any.getTypeUrl().endsWith("/" + type) ? new Wire(any.getValue()) : null;
    } catch (InvalidProtocolBufferException broken) {
      throw new IllegalArgumentException("the message can't be read: " + broken.getMessage(), broken);
    }
  }

  boolean has(int field) {
    return fields.hasField(field);
  }

  /** The field that is set, of a message that holds one of several. */
  int kind() {
    return fields.asMap().keySet().stream().findFirst().orElse(0);
  }

  Wire message(int field) {
    return messages(field).stream().reduce((first, last) -> last).orElseThrow(() -> missing(field));
  }

  List<Wire> messages(int field) {
    List<Wire> found = new ArrayList<>();
    for (ByteString bytes : fields.getField(field).getLengthDelimitedList()) {
      found.add(read(() -> new Wire(bytes)));
    }
    return found;
  }

  String text(int field) {
    List<String> all = texts(field);
    return all.isEmpty() ? "" : all.get(all.size() - 1);
  }

  List<String> texts(int field) {
    return fields.getField(field).getLengthDelimitedList().stream().map(ByteString::toStringUtf8).collect(Collectors.toList());
  }

  long number(int field) {
    List<Long> all = fields.getField(field).getVarintList();
    return all.isEmpty() ? 0 : all.get(all.size() - 1);
  }

  boolean flag(int field) {
    return number(field) != 0;
  }

  double decimal(int field) {
    List<Long> all = fields.getField(field).getFixed64List();
    return all.isEmpty() ? 0 : Double.longBitsToDouble(all.get(all.size() - 1));
  }

  /** A map of texts, which stands on the wire as messages of a key and a value. */
  Map<String, String> pairs(int field) {
    Map<String, String> found = new HashMap<>();
    messages(field).forEach(pair -> found.put(pair.text(1), pair.text(2)));
    return found;
  }

  Relation relation(int field) {
    return read(() -> Relation.parseFrom(bytes(field)));
  }

  Expression expression(int field) {
    return read(() -> Expression.parseFrom(bytes(field)));
  }

  DataType dataType(int field) {
    return read(() -> DataType.parseFrom(bytes(field)));
  }

  private CodedInputStream bytes(int field) {
    List<ByteString> all = fields.getField(field).getLengthDelimitedList();
    if (all.isEmpty()) {
      throw missing(field);
    }
    CodedInputStream in = all.get(all.size() - 1).newCodedInput();
    in.setRecursionLimit(DEPTH);
    return in;
  }

  private static IllegalArgumentException missing(int field) {
    return new IllegalArgumentException("the message lacks its field " + field);
  }

  private interface Reading<T> {
    T read() throws IOException;
  }

  private static <T> T read(Reading<T> reading) {
    try {
      return reading.read();
    } catch (IOException broken) {
      throw new IllegalArgumentException("the message can't be read: " + broken.getMessage(), broken);
    }
  }
}
