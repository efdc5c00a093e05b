package io.nbh.spark;

import org.apache.spark.sql.catalyst.plans.logical.LogicalPlan;
import org.apache.spark.sql.classic.SparkSession;

/** USE, CREATE, DROP, DESCRIBE and COMMENT ON CATALOG. */
final class CatalogStatements {
  private CatalogStatements() {}

  static LogicalPlan use(Tokens tokens, SparkSession session) {
    String said = tokens.string();
    String name = said != null ? said : tokens.names("USE CATALOG", "a catalog's name").get(0);
    tokens.requireEnd("USE CATALOG");
    return new Statement("USE CATALOG", Answers.NONE, spark -> {
      if (!Metastore.isMeant(name)) {
        Sessions.space(spark).catalog(name);
        Access.require(spark, "USE CATALOG", "CATALOG", name);
      }
      spark.sessionState().catalogManager().setCurrentCatalog(Space.key(name));
      return Answers.none();
    });
  }

  static LogicalPlan create(Tokens tokens, SparkSession session) {
    String kind = "CREATE CATALOG";
    boolean isQuiet = tokens.take("IF", "NOT", "EXISTS");
    String name = Names.checked(tokens.names(kind, "a catalog's name").get(0));
    String comment = null;
    String location = null;
    while (!tokens.atEnd()) {
      if (tokens.take("COMMENT")) {
        comment = tokens.string(kind, "a comment in quotes");
      } else if (tokens.take("MANAGED", "LOCATION")) {
        location = tokens.string(kind, "a path in quotes");
      } else if (tokens.take("USING", "SHARE")) {
        throw Errors.databricksOnly("CREATE CATALOG … USING SHARE", "Make an ordinary catalog for the test.");
      } else {
        throw Errors.syntax(kind, "COMMENT or MANAGED LOCATION", tokens.found());
      }
    }
    SpaceTables.requireLocal(location);
    String said = comment;
    String place = location;
    return new Statement(kind, Answers.NONE, spark -> {
      Space space = Sessions.space(spark);
      boolean isReserved = Metastore.isMeant(name) || name.equals("system");
      if (isReserved && !isQuiet) {
        throw Errors.exists("catalog", name);
      }
      if (isReserved) {
        return Answers.none();
      }
      if (!isQuiet || !space.catalogs.containsKey(name)) {
        Access.require(spark, "CREATE CATALOG", "METASTORE");
        Access.requireStorage(spark, place);
        space.createCatalog(name, said, Sessions.user(spark.sessionState().conf()), place);
        Sessions.updateAll(space);
      }
      return Answers.none();
    });
  }

  static LogicalPlan drop(Tokens tokens, SparkSession session) {
    String kind = "DROP CATALOG";
    boolean isQuiet = tokens.take("IF", "EXISTS");
    String name = tokens.names(kind, "a catalog's name").get(0);
    boolean cascade = tokens.take("CASCADE");
    if (!cascade) {
      tokens.take("RESTRICT");
    }
    tokens.requireEnd(kind);
    return new Statement(kind, Answers.NONE, spark -> {
      Space space = Sessions.space(spark);
      if (isQuiet && !space.catalogs.containsKey(Space.key(name))) {
        return Answers.none();
      }
      CatalogEntry catalog = space.catalog(name);
      Access.require(spark, "MANAGE", "CATALOG", name);
      boolean isEmpty = catalog.schemas.values().stream().allMatch(schema -> schema.name.equals("default") && schema.isEmpty());
      if (!cascade && !isEmpty) {
        throw Errors.notEmpty("catalog", catalog.name);
      }
      space.dropCatalog(catalog);
      Sessions.updateAll(space);
      return Answers.none();
    });
  }

  static LogicalPlan describe(Tokens tokens, SparkSession session) {
    tokens.take("EXTENDED");
    String name = tokens.names("DESCRIBE CATALOG", "a catalog's name").get(0);
    tokens.requireEnd("DESCRIBE CATALOG");
    return new Statement("DESCRIBE CATALOG", Answers.columns("info_name STRING, info_value STRING"), spark -> {
      if (Metastore.isMeant(name)) {
        return Answers.pairs("Catalog Name", Metastore.ALIAS, "Comment", null, "Owner", null);
      }
      CatalogEntry catalog = Sessions.space(spark).catalog(name);
      Access.require(spark, "USE CATALOG", "CATALOG", name);
      return Answers.pairs("Catalog Name", catalog.name, "Comment", catalog.comment, "Owner", catalog.owner);
    });
  }

  static LogicalPlan comment(Tokens tokens, SparkSession session) {
    String kind = "COMMENT ON CATALOG";
    String name = tokens.names(kind, "a catalog's name").get(0);
    tokens.require(kind, "IS");
    String comment = tokens.take("NULL") ? null : tokens.string(kind, "a comment in quotes or NULL");
    tokens.requireEnd(kind);
    return new Statement(kind, Answers.NONE, spark -> {
      CatalogEntry catalog = Sessions.space(spark).catalog(name);
      Access.require(spark, "MANAGE", "CATALOG", name);
      catalog.comment = comment;
      return Answers.none();
    });
  }
}
