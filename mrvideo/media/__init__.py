"""Reading video: which picture is shown when."""
