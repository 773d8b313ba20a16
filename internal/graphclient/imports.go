package graphclient

import "context"

// ImportPeople sends rows of people, each with its number in the file, or with dry asks what would
// become of them.
func (c *Client) ImportPeople(ctx context.Context, columns []string, rows []Object, dry bool) (Object, error) {
	var result Object
	err := c.at(ctx, "POST", Object{"dryRun": dry, "columns": columns, "rows": rows}, &result, "postern", "imports")
	return result, err
}
