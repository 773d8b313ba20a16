package main

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"strings"

	_ "modernc.org/sqlite"
)

// pattern is the nickname of the person whom the others are made after. It begins with a
// letter, so that each copy's text is a word as its own is. patternGiven and patternFamily, where
// the pattern is called so, become names that some or many share.
const (
	pattern       = "seedpattern"
	patternGiven  = "seedgiven"
	patternFamily = "seedfamily"
)

// A copying is what one table has about a person.
type copying struct {
	table string
	where string            // which rows are the person's, with $2 for their id
	every int               // of how many people one has it
	set   map[string]string // columns that don't follow from the person, in SQL over t and i
}

// justPeople are those who are no more than a name.
var justPeople = []copying{
	{table: "directory_user", where: "t.id = $2"},
	{table: "object_word", where: "t.object_id = $2"},
}

// multiply copies the person of the pattern n times, inside the database, with what is kept about
// them, each with a name and an id of its own. Indexes are built anew afterwards: that is many
// times quicker than to keep them up to date.
func multiply(ctx context.Context, path string, n int, what []copying) (err error) {
	db, err := sql.Open("sqlite", "file:"+path+"?_pragma=journal_mode(OFF)&_pragma=synchronous(OFF)&_pragma=cache_size(-400000)&_pragma=temp_store(MEMORY)")
	if err != nil {
		return err
	}
	db.SetMaxOpenConns(1)
	defer func() { err = errors.Join(err, db.Close()) }()
	var id string
	if err := db.QueryRowContext(ctx, `SELECT id FROM directory_user WHERE mail_nickname = $1`, pattern).Scan(&id); err != nil {
		return fmt.Errorf("find the pattern: %w", err)
	}
	if err := makeNames(ctx, db); err != nil {
		return err
	}
	for _, c := range what {
		if err := c.copy(ctx, db, id, n); err != nil {
			return fmt.Errorf("%s: %w", c.table, err)
		}
	}
	_, err = db.ExecContext(ctx, `PRAGMA journal_mode = WAL`)
	return err
}

// idOf is the id of person i: ids that are spread as random ones are, and in the form of a UUID.
const idOf = `printf('%08x-0000-4000-8000-%012x', (i * 2654435761) & 4294967295, i)`

// The names of person i: the first given names are common, a family name has about 80 people.
const (
	givenOf  = `(SELECT name FROM temp.given WHERE n = ((i * 48271) & 63) & ((i * 40692) / 64))`
	familyOf = `(SELECT name FROM temp.family WHERE n = (i * 16807) % 12167)`
)

// makeNames makes 64 given names and 12167 family names, which are syllables.
func makeNames(ctx context.Context, db *sql.DB) error {
	given := strings.Fields(`maria martin anna thomas michael sarah peter julia daniel laura andreas lena david nina stefan emma
		markus paula jonas clara lukas amira felix mira oskar noor pavel olga yusuf aylin goran elif henrik ingrid bjorn astrid luca
		giulia marco chiara pierre amelie hugo camille diego lucia pablo carmen kofi ama kwame abena ravi priya arjun meera wei ling
		hiro yuki ivan irina tomas zuzana`)
	syllables := strings.Fields(`ba che dor el fin gar hol im jan kor lund mar nov oka pet quin ros sten tar ul vos wei zim`)
	for _, statement := range []string{
		`CREATE TEMP TABLE given (n INTEGER PRIMARY KEY, name TEXT)`,
		`CREATE TEMP TABLE family (n INTEGER PRIMARY KEY, name TEXT)`,
		`CREATE TEMP TABLE syllable (n INTEGER PRIMARY KEY, name TEXT)`,
	} {
		if _, err := db.ExecContext(ctx, statement); err != nil {
			return err
		}
	}
	for table, names := range map[string][]string{"given": given, "syllable": syllables} {
		for i, name := range names {
			if _, err := db.ExecContext(ctx, `INSERT INTO temp.`+table+` VALUES ($1, $2)`, i, name); err != nil { //nolint:gosec // two fixed names
				return err
			}
		}
	}
	_, err := db.ExecContext(ctx, `INSERT INTO temp.family
		SELECT (a.n * 23 + b.n) * 23 + c.n, a.name || b.name || c.name FROM temp.syllable a, temp.syllable b, temp.syllable c`)
	return err
}

// copy copies the rows about the person id for n others.
func (c copying) copy(ctx context.Context, db *sql.DB, id string, n int) error {
	const ofTable = ` FROM sqlite_master WHERE type = 'index' AND tbl_name = $1 AND sql IS NOT NULL`
	indexes, err := texts(ctx, db, `SELECT sql`+ofTable, c.table)
	if err != nil {
		return err
	}
	names, err := texts(ctx, db, `SELECT name`+ofTable, c.table)
	if err != nil {
		return err
	}
	columns, err := texts(ctx, db, `SELECT name FROM pragma_table_info($1) ORDER BY cid`, c.table)
	if err != nil {
		return err
	}
	var values []string
	for _, column := range columns {
		value := c.set[column]
		if value == "" {
			text := fmt.Sprintf("replace(replace(t.%s, $2, %s), '%s', printf('seed%%07d', i))", column, idOf, pattern)
			text = fmt.Sprintf("replace(replace(%s, '%s', %s), '%s', %s)", text, patternGiven, givenOf, patternFamily, familyOf)
			value = fmt.Sprintf("CASE WHEN typeof(t.%[1]s) = 'text' THEN %[2]s ELSE t.%[1]s END", column, text)
		}
		values = append(values, value)
	}
	for _, name := range names {
		if _, err := db.ExecContext(ctx, "DROP INDEX "+name); err != nil {
			return err
		}
	}
	statement := "WITH RECURSIVE n (i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < $1)" + //nolint:gosec // names come from the schema
		" INSERT INTO " + c.table + " (" + strings.Join(columns, ", ") + ") SELECT " + strings.Join(values, ", ") +
		" FROM " + c.table + " t CROSS JOIN n WHERE n.i % $3 = 0 AND " + c.where
	if _, err := db.ExecContext(ctx, statement, n, id, max(1, c.every)); err != nil {
		return err
	}
	for _, index := range indexes {
		if _, err := db.ExecContext(ctx, index); err != nil {
			return err
		}
	}
	return nil
}

func texts(ctx context.Context, db *sql.DB, query string, args ...any) ([]string, error) {
	rows, err := db.QueryContext(ctx, query, args...)
	if err != nil {
		return nil, err
	}
	defer rows.Close()
	var all []string
	for rows.Next() {
		var text string
		if err := rows.Scan(&text); err != nil {
			return nil, err
		}
		all = append(all, text)
	}
	return all, rows.Err()
}
