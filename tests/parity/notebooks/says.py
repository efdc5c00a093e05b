# Databricks notebook source
dbutils.widgets.text("seen", "")
dbutils.notebook.exit(dbutils.widgets.get("seen"))
