package backup

import (
	"bytes"
	"crypto/sha256"
	"encoding/base64"
	"encoding/json"
	"fmt"
	"math/big"
	"strconv"
	"unicode/utf8"
)

// binary is the form of a text that is not UTF-8, which only SQLite can hold.
type binary struct {
	Base64 string `json:"base64"`
}

// appendRow adds values as a JSON array and a new line.
func appendRow(b []byte, values []any) ([]byte, error) {
	b = append(b, '[')
	for i, v := range values {
		if i > 0 {
			b = append(b, ',')
		}
		switch v := v.(type) {
		case nil:
			b = append(b, "null"...)
		case bool:
			b = strconv.AppendBool(b, v)
		case int64:
			b = strconv.AppendInt(b, v, 10)
		case string:
			text, err := json.Marshal(v)
			if !utf8.ValidString(v) {
				text, err = json.Marshal(binary{base64.StdEncoding.EncodeToString([]byte(v))})
			}
			if err != nil {
				return nil, err
			}
			b = append(b, text...)
		default:
			return nil, fmt.Errorf("a backup holds no %T", v)
		}
	}
	return append(b, ']', '\n'), nil
}

// parseRow reads what appendRow wrote into values, which has one place a column.
func parseRow(line []byte, columns []Column, values []any) error {
	var raw []json.RawMessage
	if err := json.Unmarshal(line, &raw); err != nil || len(raw) != len(columns) {
		return ErrDamaged
	}
	for i, c := range columns {
		v, err := parseValue(raw[i], c.Kind)
		if err != nil {
			return ErrDamaged
		}
		values[i] = v
	}
	return nil
}

func parseValue(raw json.RawMessage, kind Kind) (any, error) {
	if bytes.Equal(raw, []byte("null")) {
		return nil, nil
	}
	var err error
	switch kind {
	case Text:
		if raw[0] == '{' {
			var b binary
			if err := json.Unmarshal(raw, &b); err != nil {
				return nil, err
			}
			bytes, err := base64.StdEncoding.DecodeString(b.Base64)
			return string(bytes), err
		}
		var text string
		err = json.Unmarshal(raw, &text)
		return text, err
	case Integer:
		return strconv.ParseInt(string(raw), 10, 64)
	case Boolean:
		return strconv.ParseBool(string(raw))
	}
	return nil, ErrDamaged
}

// A Digest tells the content of one table from any other, in whatever order its rows come.
type Digest struct {
	Rows int64
	Hash string // hexadecimal: the sum of the SHA-256 of every row, modulo 2^256
}

// Digests is a Sink that keeps a Digest of every table and hands the rows on to Next.
type Digests struct {
	Next   Sink // nil keeps digests only
	Tables map[string]Digest

	name string
	sum  big.Int
	rows int64
	buf  []byte
}

var modulus = new(big.Int).Lsh(big.NewInt(1), 256)

// Begin implements [Sink].
func (d *Digests) Begin(t Table) error {
	d.End()
	d.name = t.Name
	if d.Next == nil {
		return nil
	}
	return d.Next.Begin(t)
}

// Row implements [Sink].
func (d *Digests) Row(values []any) (err error) {
	if d.buf, err = appendRow(d.buf[:0], values); err != nil {
		return err
	}
	one := sha256.Sum256(d.buf)
	var n big.Int
	d.sum.Mod(d.sum.Add(&d.sum, n.SetBytes(one[:])), modulus)
	d.rows++
	if d.Next == nil {
		return nil
	}
	return d.Next.Row(values)
}

// End completes the last table.
func (d *Digests) End() {
	if d.name == "" {
		return
	}
	if d.Tables == nil {
		d.Tables = map[string]Digest{}
	}
	d.Tables[d.name] = Digest{Rows: d.rows, Hash: d.sum.Text(16)}
	d.name, d.rows = "", 0
	d.sum.SetInt64(0)
}
