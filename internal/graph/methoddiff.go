package graph

import (
	"bytes"
	"encoding/json"
	"maps"
	"slices"

	"github.com/postern-id/postern/internal/graph/odata"
)

// differences compares two JSON objects setting by setting, by name. What is in an object within has
// a name with a slash; a list is one value.
func differences(before, after []byte) ([]odata.Entity, error) {
	old, err := settings(before)
	if err != nil {
		return nil, err
	}
	now, err := settings(after)
	if err != nil {
		return nil, err
	}
	all := maps.Clone(old)
	maps.Copy(all, now)
	changes := []odata.Entity{}
	for _, name := range slices.Sorted(maps.Keys(all)) {
		if !bytes.Equal(old[name], now[name]) {
			changes = append(changes, odata.Entity{
				{Name: "setting", Value: name}, {Name: "now", Value: orNull(old[name])}, {Name: "then", Value: orNull(now[name])},
			})
		}
	}
	return changes, nil
}

func orNull(raw json.RawMessage) json.RawMessage {
	if raw == nil {
		return json.RawMessage("null")
	}
	return raw
}

// settings are the members of a JSON object by name, each compact.
func settings(text []byte) (map[string]json.RawMessage, error) {
	all := map[string]json.RawMessage{}
	if len(text) == 0 {
		return all, nil
	}
	return all, addSettings(all, "", text)
}

func addSettings(all map[string]json.RawMessage, prefix string, text []byte) error {
	var members map[string]json.RawMessage
	if err := json.Unmarshal(text, &members); err != nil {
		return err
	}
	for name, value := range members {
		if len(value) > 0 && value[0] == '{' {
			if err := addSettings(all, prefix+name+"/", value); err != nil {
				return err
			}
			continue
		}
		var short bytes.Buffer
		if err := json.Compact(&short, value); err != nil {
			return err
		}
		all[prefix+name] = short.Bytes()
	}
	return nil
}
