"""Numbers as text, turned into whole numbers with decimal places, exactly."""

from decimal import Decimal, InvalidOperation

import polars as pl

_EXPONENT = r"^[+-]?([0-9]+\.?[0-9]*|\.[0-9]+)[eE][+-]?[0-9]{1,2}$"


def add_values(rows: pl.DataFrame) -> pl.DataFrame:
    """Return the rows with `value` and `decimals`, `number` as a float, and whether it `is_too_precise`.

    `stated` is the number of decimals as the text has them, with zeros at the end.
    `value` is null for what is not a number, or is too precise: its digits must fit beside the highest plausible value
    into 64 bits, so that values of one day can be stored with the same number of decimals. `value_text` is the text.
    """
    rows = _add_digits(_write_out_exponents(rows.rename({"value": "value_text"})))
    too_many = pl.col("is_number") & (
        (pl.col("decimals") > pl.col("max_decimals")).fill_null(value=False)
        | (pl.col("value").is_null() & (pl.col("number").abs() < 1e18))
    )
    rows = rows.with_columns(is_too_precise=too_many)
    return rows.with_columns(
        value=pl.when(pl.col("is_too_precise"))
        .then(None)
        .when(pl.col("value").is_null() & pl.col("is_number"))
        .then(pl.lit(0, pl.Int64))
        .otherwise("value"),
        decimals=pl.when(pl.col("decimals") <= 18).then("decimals").otherwise(0).cast(pl.Int8),
    ).drop("written", "is_number")


def _add_digits(rows: pl.DataFrame) -> pl.DataFrame:
    """Return the rows with all digits as `value`, null if they do not fit; the number of decimals; and the float."""
    plain = pl.col("written").str.replace(r"^\+", "")
    whole, fraction = (plain.str.split_exact(".", 1).struct.field(name) for name in ("field_0", "field_1"))
    stated = fraction.fill_null("")
    fraction = stated.str.strip_chars_end("0")
    is_number = pl.col("written").str.contains(r"^[+-]?([0-9]+\.?[0-9]*|\.[0-9]+)$").fill_null(value=False)
    return rows.with_columns(
        is_number=is_number,
        decimals=fraction.str.len_bytes().cast(pl.Int32),
        stated=stated.str.len_bytes(),
        number=pl.when(is_number).then(pl.col("written").cast(pl.Float64, strict=False)),
        value=pl.when(is_number).then(pl.concat_str(whole, fraction).cast(pl.Int64, strict=False)),
    )


def _write_out_exponents(rows: pl.DataFrame) -> pl.DataFrame:
    """Return the rows with `written`: the number without an exponent. Few programs write one."""
    text = pl.col("value_text")
    has_exponent = text.str.contains(_EXPONENT).fill_null(value=False)
    if not rows.select(has_exponent.any()).item():
        return rows.with_columns(written=text)
    written = pl.when(has_exponent).then(text.map_elements(_write_out, return_dtype=pl.String)).otherwise(text)
    return rows.with_columns(written=written)


def _write_out(text: str) -> str:
    try:
        return f"{Decimal(text):f}"
    except InvalidOperation:
        return text
