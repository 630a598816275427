"""Databases as stores: whether one opens, and whether it takes anything, asked before the work."""

from urllib.parse import urlsplit

from birdml.tracking.retry import retry

KINDS = ("sqlite", "postgresql", "mysql", "mssql")  # in which MLflow keeps a store
NO_CHANGE = "UPDATE alembic_version SET version_num = version_num WHERE 0"


def check_opens(uri: str) -> None:
    """Raises SQLAlchemyError, or ModuleNotFoundError for a driver, where a database can't be read.

    At once: MLflow would try for minutes. Says nothing of stores that are no databases.
    """
    if _kind(uri) in KINDS:
        import sqlalchemy

        engine = sqlalchemy.create_engine(uri, poolclass=sqlalchemy.NullPool)
        sqlalchemy.inspect(engine).get_table_names()


def check_takes(uri: str) -> None:
    """Raises SQLAlchemyError where an SQLite file can only be read; others say so when written."""
    if _kind(uri) == "sqlite":
        import sqlalchemy

        engine = sqlalchemy.create_engine(uri, poolclass=sqlalchemy.NullPool)
        with engine.connect() as connection:
            # changes nothing, but may only be asked where something may be changed
            retry(lambda: connection.exec_driver_sql(NO_CHANGE))
            connection.rollback()


def _kind(uri: str) -> str:
    return urlsplit(uri).scheme.partition("+")[0]
