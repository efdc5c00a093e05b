package io.nbh.spark;

import java.util.ArrayList;
import java.util.Comparator;
import java.util.List;
import java.util.Locale;
import org.apache.spark.sql.RowFactory;
import org.apache.spark.sql.catalyst.plans.logical.LogicalPlan;
import org.apache.spark.sql.classic.SparkSession;

/** GRANT, REVOKE and SHOW GRANTS: privileges are kept and shown; whom they keep from what is {@link Access}'s. */
final class GrantStatements {
  private GrantStatements() {}

  static LogicalPlan grant(Tokens tokens, SparkSession session) {
    List<String> privileges = privileges(tokens, "GRANT");
    Securable on = Securable.read(tokens, "GRANT");
    tokens.require("GRANT", "TO");
    String principal = principal(tokens, "GRANT");
    tokens.requireEnd("GRANT");
    return new Statement("GRANT", Answers.NONE, spark -> {
      String object = on.resolve(spark);
      on.check(spark, privileges);
      on.require(spark, "MANAGE");
      List<Grant> all = Sessions.space(spark).grants;
      privileges.stream().map(privilege -> new Grant(principal, privilege, on.type(), object))
          .filter(grant -> !all.contains(grant)).forEach(all::add);
      return Answers.none();
    });
  }

  static LogicalPlan revoke(Tokens tokens, SparkSession session) {
    List<String> privileges = privileges(tokens, "REVOKE");
    Securable on = Securable.read(tokens, "REVOKE");
    tokens.require("REVOKE", "FROM");
    String principal = principal(tokens, "REVOKE");
    tokens.requireEnd("REVOKE");
    return new Statement("REVOKE", Answers.NONE, spark -> {
      String object = on.resolve(spark);
      on.check(spark, privileges);
      on.require(spark, "MANAGE");
      Sessions.space(spark).grants.removeIf(grant -> grant.principal().equals(principal) && grant.object().equals(object)
          && (privileges.contains(grant.privilege()) || privileges.contains("ALL PRIVILEGES")));
      return Answers.none();
    });
  }

  static LogicalPlan show(Tokens tokens, SparkSession session) {
    String principal = tokens.take("ON") ? null : principal(tokens, "SHOW GRANTS");
    if (principal != null) {
      tokens.require("SHOW GRANTS", "ON");
    }
    Securable on = Securable.read(tokens, "SHOW GRANTS");
    tokens.requireEnd("SHOW GRANTS");
    String columns = "Principal STRING, ActionType STRING, ObjectType STRING, ObjectKey STRING";
    return new Statement("SHOW GRANTS", Answers.columns(columns), spark -> {
      String object = on.resolve(spark);
      return Sessions.space(spark).grants.stream()
          .filter(grant -> object.equals(grant.object()) || object.startsWith(grant.object() + "."))
          .filter(grant -> principal == null || principal.equals(grant.principal()))
          .sorted(Comparator.comparing(Grant::principal).thenComparing(Grant::object).thenComparing(Grant::privilege))
          .map(grant -> RowFactory.create(grant.principal(), grant.privilege(), grant.type(),
              grant.object().equals(Securable.DISK_KEY) ? Securable.DISK : grant.object()))
          .toList();
    });
  }

  /** The harness's own: an error unless the session has the privilege. */
  static LogicalPlan require(Tokens tokens, SparkSession session) {
    List<String> privileges = privileges(tokens, "NBH REQUIRE");
    Securable on = Securable.read(tokens, "NBH REQUIRE");
    tokens.requireEnd("NBH REQUIRE");
    return new Statement("NBH REQUIRE", Answers.NONE, spark -> {
      privileges.forEach(privilege -> on.require(spark, privilege));
      return Answers.none();
    });
  }

  private static List<String> privileges(Tokens tokens, String statement) {
    List<String> all = new ArrayList<>();
    do {
      String privilege = tokens.until(",", "ON").replaceAll("[\\s_]+", " ").toUpperCase(Locale.ROOT);
      if (privilege.isEmpty()) {
        throw Errors.syntax(statement, "a privilege", tokens.found());
      }
      all.add(privilege);
    } while (tokens.take(","));
    tokens.require(statement, "ON");
    return all;
  }

  static String principal(Tokens tokens, String statement) {
    String said = tokens.string();
    return said != null ? said : tokens.name(statement, "a user, group or service principal");
  }
}
