package io.nbh.spark;

import java.nio.file.Path;
import java.util.List;
import org.apache.spark.sql.RowFactory;
import org.apache.spark.sql.catalyst.plans.logical.LogicalPlan;
import org.apache.spark.sql.classic.SparkSession;

/** CREATE, DROP, SHOW, DESCRIBE and COMMENT ON VOLUME. */
final class VolumeStatements {
  private VolumeStatements() {}

  static LogicalPlan create(Tokens tokens, SparkSession session) {
    String kind = "CREATE VOLUME";
    tokens.moveTo(1);
    boolean isExternal = tokens.take("EXTERNAL");
    tokens.require(kind, "VOLUME");
    boolean isQuiet = tokens.take("IF", "NOT", "EXISTS");
    List<String> name = tokens.names(kind, "a volume's name");
    String location = tokens.take("LOCATION") ? tokens.string(kind, "a path in quotes") : null;
    String comment = tokens.take("COMMENT") ? tokens.string(kind, "a comment in quotes") : null;
    tokens.requireEnd(kind);
    if (isExternal != (location != null)) {
      throw Errors.syntax(kind, isExternal ? "LOCATION and a path" : "EXTERNAL before VOLUME", "neither or one of them");
    }
    SpaceTables.requireLocal(location);
    return new Statement(kind, Answers.NONE, spark -> {
      Target target = Target.object(spark, name);
      Access.require(spark, "CREATE VOLUME", "SCHEMA", target.catalogName(), target.schemaName());
      String key = Names.checked(target.name());
      Path own = target.space().volumeFolder(target.catalogName(), target.schemaName(), key);
      Path external = isExternal ? VolumePaths.folderOf(location, spark.sessionState().newHadoopConf()) : null;
      VolumeEntry made = new VolumeEntry(key, own, external, comment, Sessions.user(spark.sessionState().conf()));
      if (target.schema().volumes.putIfAbsent(key, made) == null) {
        made.makeFiles();
      } else if (!isQuiet) {
        throw Errors.exists("volume", target.parts());
      }
      return Answers.none();
    });
  }

  static LogicalPlan drop(Tokens tokens, SparkSession session) {
    boolean isQuiet = tokens.take("IF", "EXISTS");
    List<String> name = tokens.names("DROP VOLUME", "a volume's name");
    tokens.requireEnd("DROP VOLUME");
    return new Statement("DROP VOLUME", Answers.NONE, spark -> {
      Target target = Target.object(spark, name);
      if (isQuiet && (!target.isOurs() || target.catalog().schemas.get(target.schemaName()) == null)) {
        return Answers.none();
      }
      Access.require(spark, "MANAGE", "VOLUME", target.parts());
      VolumeEntry gone = target.schema().volumes.remove(target.name());
      if (gone != null) {
        gone.deleteFiles();
        target.space().grants.removeIf(grant -> grant.isOn(target.full()));
      } else if (!isQuiet) {
        throw Errors.notFound("volume", target.parts());
      }
      return Answers.none();
    });
  }

  static LogicalPlan show(Tokens tokens, SparkSession session) {
    String kind = "SHOW VOLUMES";
    List<String> in = tokens.take("IN") || tokens.take("FROM") ? tokens.names(kind, "a schema's name") : List.of();
    tokens.take("LIKE");
    String like = tokens.string();
    tokens.requireEnd(kind);
    return new Statement(kind, Answers.columns("database STRING, volume_name STRING"), spark -> {
      Target target = Target.schema(spark, in);
      SchemaEntry schema = target.schema();
      Access.require(spark, "USE SCHEMA", "SCHEMA", target.parts());
      return schema.volumes.keySet().stream()
          .filter(name -> Answers.isLike(name, like) && Access.sees(spark, "VOLUME", target.catalogName(), schema.name, name))
          .map(name -> RowFactory.create(schema.name, name)).toList();
    });
  }

  static LogicalPlan describe(Tokens tokens, SparkSession session) {
    List<String> name = tokens.names("DESCRIBE VOLUME", "a volume's name");
    tokens.requireEnd("DESCRIBE VOLUME");
    String columns = "name STRING, catalog STRING, database STRING, owner STRING, storageLocation STRING, volumeType STRING, comment STRING";
    return new Statement("DESCRIBE VOLUME", Answers.columns(columns), spark -> {
      Target target = Target.object(spark, name);
      VolumeEntry volume = find(target);
      Access.require(spark, "READ VOLUME", "VOLUME", target.parts());
      return List.of(RowFactory.create(volume.name, target.catalogName(), target.schemaName(), volume.owner,
          volume.folder.toUri().toString(), volume.isManaged ? "MANAGED" : "EXTERNAL", volume.comment));
    });
  }

  static LogicalPlan comment(Tokens tokens, SparkSession session) {
    String kind = "COMMENT ON VOLUME";
    List<String> name = tokens.names(kind, "a volume's name");
    tokens.require(kind, "IS");
    String comment = tokens.take("NULL") ? null : tokens.string(kind, "a comment in quotes or NULL");
    tokens.requireEnd(kind);
    return new Statement(kind, Answers.NONE, spark -> {
      Target target = Target.object(spark, name);
      VolumeEntry volume = find(target);
      Access.require(spark, "MANAGE", "VOLUME", target.parts());
      volume.comment = comment;
      return Answers.none();
    });
  }

  static VolumeEntry find(Target target) {
    VolumeEntry found = target.schema().volumes.get(target.name());
    if (found == null) {
      throw Errors.notFound("volume", target.parts());
    }
    return found;
  }
}
