package virtual

import (
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"time"
)

// A thing is a file or folder in a person's home.
type thing struct {
	Name      string
	Folder    bool
	Items     int // in a folder
	ChangedAt time.Time
}

// What everybody finds at home on the first day. Nothing ever writes there again, so that
// people see that what they had is still theirs.
var firstThings = map[string]string{
	"Documents/Welcome.txt":          "Welcome to Contoso.\n",
	"Documents/Holiday rota.txt":     "Week 51: Priya. Week 52: Mira.\n",
	"Leeds depot/Gate codes.txt":     "Ask at the gate.\n",
	"Loading plan week 48.txt":       "Mon: 14 pallets to Leeds. Tue: 9 to Hull.\n",
	"Letter to Northwind.txt":        "Dear Sir or Madam,\n\nour lorry was late on Friday.\n",
	"Leeds depot/Keys and locks.txt": "The blue key opens the side door.\n",
}

// furnish makes a person's home where there is none.
func furnish(home string) error {
	if _, err := os.Stat(home); !errors.Is(err, fs.ErrNotExist) {
		return err
	}
	for name, text := range firstThings {
		path := filepath.Join(home, filepath.FromSlash(name))
		if err := os.MkdirAll(filepath.Dir(path), 0o700); err != nil {
			return err
		}
		if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
			return err
		}
	}
	return nil
}

// things lists what is in a person's home.
func things(home string) ([]thing, error) {
	entries, err := os.ReadDir(home)
	if err != nil {
		return nil, err
	}
	var all []thing
	for _, e := range entries {
		info, err := e.Info()
		if err != nil {
			return nil, err
		}
		one := thing{Name: e.Name(), Folder: e.IsDir(), ChangedAt: info.ModTime()}
		if e.IsDir() {
			inside, err := os.ReadDir(filepath.Join(home, e.Name()))
			if err != nil {
				return nil, err
			}
			one.Items = len(inside)
		}
		all = append(all, one)
	}
	return all, nil
}
