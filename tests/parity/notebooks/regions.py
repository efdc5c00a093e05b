# Databricks notebook source
import json

dbutils.widgets.text("regions", "[]")
dbutils.jobs.taskValues.set("regions", json.loads(dbutils.widgets.get("regions")))
