"""What several test rooms share: worlds, models that see by rule, servers, commands in processes of their
own.
"""
