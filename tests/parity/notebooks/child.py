# Databricks notebook source
def doubled(n):
    """Twice as much."""
    return 2 * n
